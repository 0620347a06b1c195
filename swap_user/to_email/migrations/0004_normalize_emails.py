from django.db import migrations

from swap_user.users.upgrade import normalize_emails


class Migration(migrations.Migration):
    """
    Every address in its canonical form.

    Stops, and changes nothing, where two accounts differ in nothing but their address's case.
    """

    dependencies = [("swap_to_email", "0003_active_by_default")]

    operations = [
        migrations.RunPython(
            normalize_emails("swap_to_email", "emailuser"),
            migrations.RunPython.noop,
            elidable=True,
        )
    ]
