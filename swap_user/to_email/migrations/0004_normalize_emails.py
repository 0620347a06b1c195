from django.db import migrations

from swap_user.users.upgrade import normalize_emails


class Migration(migrations.Migration):
    """
    Write all email addresses in their canonical form.

    If the addresses of two users differ only in case or form, it stops and changes nothing. Each
    batch is a transaction of its own; an interrupted run continues when it is started again.
    """

    atomic = False

    dependencies = [("swap_to_email", "0003_active_by_default")]

    operations = [
        migrations.RunPython(
            normalize_emails("swap_to_email", "emailuser"),
            migrations.RunPython.noop,
            elidable=True,
        )
    ]
