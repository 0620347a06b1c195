from django.db import migrations


class Migration(migrations.Migration):
    """The verbose names of version 0.9.8."""

    dependencies = [("swap_to_email", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="emailuser",
            options={"verbose_name": "email user", "verbose_name_plural": "email users"},
        )
    ]
