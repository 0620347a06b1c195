from django.db import migrations, models

from swap_user.users.models import new_security_stamp
from swap_user.users.upgrade import give_security_stamps


class Migration(migrations.Migration):
    """What sessions hang on, for models without a password."""

    dependencies = [("swap_to_email_otp", "0002_active_by_default")]

    operations = [
        # Existing rows get one stamp between them here, and each their own right after.
        migrations.AddField(
            model_name="emailotpuser",
            name="security_stamp",
            field=models.CharField(
                default=new_security_stamp,
                editable=False,
                max_length=32,
                verbose_name="security stamp",
            ),
        ),
        migrations.RunPython(
            give_security_stamps("swap_to_email_otp", "emailotpuser"),
            migrations.RunPython.noop,
            elidable=True,
        ),
    ]
