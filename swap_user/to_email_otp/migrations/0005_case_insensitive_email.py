from django.db import migrations, models
from django.db.models.functions import Lower

from swap_user.users.fields import NormalizedEmailField
from swap_user.users.online import AddUniqueConstraint


class Migration(migrations.Migration):
    """Make email addresses unique regardless of case."""

    atomic = False

    dependencies = [("swap_to_email_otp", "0004_normalize_emails")]

    operations = [
        # The column stays as it is.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="emailotpuser",
                    name="email",
                    field=NormalizedEmailField(
                        max_length=254, unique=True, verbose_name="email address"
                    ),
                )
            ]
        ),
        AddUniqueConstraint(
            model_name="emailotpuser",
            constraint=models.UniqueConstraint(
                Lower("email"), name="swap_to_email_otp_emailotpuser_email_ci"
            ),
        ),
    ]
