from django.db import migrations

from swap_user.users.upgrade import normalize_emails


class Migration(migrations.Migration):
    """
    Write the domains of email addresses in ASCII, as browsers send them.

    If two users would get the same address, it stops and changes nothing. Each batch is a
    transaction of its own; an interrupted run continues when it is started again.
    """

    atomic = False

    dependencies = [("swap_to_email", "0005_case_insensitive_email")]

    operations = [
        migrations.RunPython(
            normalize_emails("swap_to_email", "emailuser"),
            migrations.RunPython.noop,
            elidable=True,
        )
    ]
