from django.db import migrations, models

from swap_user.users.models import new_security_stamp
from swap_user.users.online import AddNullColumn


class Migration(migrations.Migration):
    """
    Add the security stamp, which the session auth hash is computed from.

    Existing rows have none, and are not written: their stamp is NULL until it is rotated.
    """

    atomic = False

    dependencies = [("swap_to_phone_otp", "0002_active_by_default")]

    operations = [
        AddNullColumn(
            model_name="phoneotpuser",
            name="security_stamp",
            field=models.CharField(
                default=new_security_stamp,
                editable=False,
                max_length=32,
                null=True,
                verbose_name="security stamp",
            ),
        ),
    ]
