import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """
    Add the known browsers, and what the limits of a year count. No existing row is written.

    Nothing is taken over from Redis: after the upgrade, all limits begin again, and each browser is
    unknown until the next login.
    """

    dependencies = [
        ("swap_user", "0004_loginsession"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WrongGuess",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.BigIntegerField(verbose_name="Unix time in seconds")),
                (
                    "units",
                    models.PositiveSmallIntegerField(
                        verbose_name="number of codes that were right"
                    ),
                ),
                ("is_known", models.BooleanField(verbose_name="from a known browser")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="otp_wrong_guesses",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "wrong guess",
                "verbose_name_plural": "wrong guesses",
            },
        ),
        migrations.CreateModel(
            name="KnownBrowser",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "browser",
                    models.CharField(
                        editable=False, max_length=32, verbose_name="hash of the cookie"
                    ),
                ),
                (
                    "logged_in_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="last login"
                    ),
                ),
                (
                    "user_agent",
                    models.CharField(blank=True, max_length=200, verbose_name="browser"),
                ),
                ("network", models.CharField(blank=True, max_length=43, verbose_name="network")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="otp_known_browsers",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "known browser",
                "verbose_name_plural": "known browsers",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "browser"), name="swap_user_known_browser"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MessageCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("budget", models.CharField(max_length=32, verbose_name="budget")),
                ("since", models.BigIntegerField(default=0, verbose_name="Unix time in seconds")),
                (
                    "count",
                    models.PositiveIntegerField(default=0, verbose_name="number of messages"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="otp_message_counts",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "message count",
                "verbose_name_plural": "message counts",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "budget"), name="swap_user_message_count"
                    )
                ],
            },
        ),
    ]
