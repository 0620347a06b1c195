from django.db import migrations

from swap_user.users.online import DropNotNull


class Migration(migrations.Migration):
    """Allow users without a security stamp, in databases that were migrated by 1.0.0a1."""

    atomic = False

    dependencies = [("swap_to_email_otp", "0005_case_insensitive_email")]

    operations = [DropNotNull("emailotpuser", "security_stamp")]
