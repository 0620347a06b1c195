import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Authenticator",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="otp_authenticators",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("sent", "Sent code"),
                            ("totp", "Authenticator app"),
                            ("hotp", "Counter-based authenticator"),
                        ],
                        max_length=8,
                        verbose_name="type",
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=64, verbose_name="name")),
                ("secret", models.TextField(editable=False, verbose_name="encrypted secret")),
                (
                    "algorithm",
                    models.CharField(
                        choices=[("SHA1", "SHA-1"), ("SHA256", "SHA-256"), ("SHA512", "SHA-512")],
                        default="SHA1",
                        max_length=8,
                        verbose_name="algorithm",
                    ),
                ),
                ("digits", models.PositiveSmallIntegerField(default=6, verbose_name="digits")),
                (
                    "period",
                    models.PositiveSmallIntegerField(default=30, verbose_name="period in seconds"),
                ),
                (
                    "consumed",
                    models.BigIntegerField(
                        default=-1, editable=False, verbose_name="last accepted counter"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="last used at"
                    ),
                ),
            ],
            options={
                "verbose_name": "authenticator",
                "verbose_name_plural": "authenticators",
            },
        ),
    ]
