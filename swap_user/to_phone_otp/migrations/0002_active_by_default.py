from django.db import migrations, models


class Migration(migrations.Migration):
    """Make new users active by default."""

    dependencies = [("swap_to_phone_otp", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="phoneotpuser",
            name="is_active",
            field=models.BooleanField(
                default=True,
                help_text="Whether this account can be used. Turn it off rather than delete an "
                "account.",
                verbose_name="active",
            ),
        ),
        migrations.AlterField(
            model_name="phoneotpuser",
            name="is_staff",
            field=models.BooleanField(
                default=False,
                help_text="Whether this account may enter the admin site.",
                verbose_name="staff status",
            ),
        ),
    ]
