import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the changes of addresses, which their owners can undo for seven days."""

    dependencies = [
        ("swap_user", "0006_languages"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AddressChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "previous",
                    models.CharField(
                        editable=False, max_length=320, verbose_name="previous address"
                    ),
                ),
                (
                    "current",
                    models.CharField(editable=False, max_length=320, verbose_name="new address"),
                ),
                (
                    "needs_code",
                    models.BooleanField(
                        default=False, editable=False, verbose_name="asks for another factor"
                    ),
                ),
                (
                    "with_factor",
                    models.BooleanField(
                        default=False, editable=False, verbose_name="made with another factor"
                    ),
                ),
                (
                    "changed_at",
                    models.DateTimeField(
                        db_index=True,
                        default=django.utils.timezone.now,
                        verbose_name="changed at",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="otp_address_changes",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "address change",
                "verbose_name_plural": "address changes",
            },
        ),
    ]
