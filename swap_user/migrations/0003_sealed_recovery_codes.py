from typing import Any

from django.db import migrations, models, router


def record_pending_steps(apps: Any, schema_editor: Any) -> None:
    """Record that hashes may be plain, unless this is a new installation."""
    # Imported here, because it imports the models.
    from swap_user.otp.authenticators import upgrades  # noqa: PLC0415

    alias, step = schema_editor.connection.alias, upgrades.RECOVERY_CODES
    pending = apps.get_model("swap_user", "PendingUpgrade")
    if not router.allow_migrate_model(alias, pending):
        return
    for name in ("Authenticator", "RecoveryCode"):
        if apps.get_model("swap_user", name)._base_manager.using(alias).exists():
            pending._base_manager.using(alias).create(name=step, seal=upgrades.sealed_state(step))
            return


class Migration(migrations.Migration):
    dependencies = [("swap_user", "0002_recoverycode")]

    operations = [
        migrations.AlterField(
            model_name="recoverycode",
            name="code",
            field=models.CharField(editable=False, max_length=255, verbose_name="hashed code"),
        ),
        migrations.CreateModel(
            name="PendingUpgrade",
            fields=[
                (
                    "name",
                    models.CharField(
                        max_length=32, primary_key=True, serialize=False, verbose_name="name"
                    ),
                ),
                (
                    "seal",
                    models.CharField(editable=False, max_length=255, verbose_name="state"),
                ),
            ],
            options={
                "verbose_name": "pending upgrade",
                "verbose_name_plural": "pending upgrades",
            },
        ),
        migrations.RunPython(record_pending_steps, migrations.RunPython.noop),
    ]
