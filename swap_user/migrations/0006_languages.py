from django.db import migrations, models


class Migration(migrations.Migration):
    """
    Add the language and the time zone of logins, for notices. No existing row is written.

    The defaults are those of the database, so servers without the columns can still insert rows.
    """

    dependencies = [("swap_user", "0005_limits_in_the_database")]

    operations = [
        migrations.AddField(
            model_name="knownbrowser",
            name="language",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=35, verbose_name="language"
            ),
        ),
        migrations.AddField(
            model_name="knownbrowser",
            name="time_zone",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=64, verbose_name="time zone"
            ),
        ),
    ]
