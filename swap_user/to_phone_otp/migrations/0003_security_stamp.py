from django.db import migrations, models

from swap_user.users.models import new_security_stamp
from swap_user.users.upgrade import give_security_stamps


class Migration(migrations.Migration):
    """Add the security stamp, which the session auth hash is computed from."""

    dependencies = [("swap_to_phone_otp", "0002_active_by_default")]

    operations = [
        # Here all existing rows get the same stamp. RunPython then gives each row its own.
        migrations.AddField(
            model_name="phoneotpuser",
            name="security_stamp",
            field=models.CharField(
                default=new_security_stamp,
                editable=False,
                max_length=32,
                verbose_name="security stamp",
            ),
        ),
        migrations.RunPython(
            give_security_stamps("swap_to_phone_otp", "phoneotpuser"),
            migrations.RunPython.noop,
            elidable=True,
        ),
    ]
