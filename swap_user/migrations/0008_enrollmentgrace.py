import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the times at which grace periods began. No existing row is written."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("swap_user", "0007_addresschange"),
    ]

    operations = [
        migrations.CreateModel(
            name="EnrollmentGrace",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="otp_enrollment_grace",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "began_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="began at"
                    ),
                ),
            ],
            options={
                "verbose_name": "grace period",
                "verbose_name_plural": "grace periods",
            },
        ),
    ]
