from django.core.management.commands.migrate import Command as MigrateCommand


class Command(MigrateCommand):
    """Stands for a package that has a migrate of its own, such as django-tenants."""

    def handle(self, *args, **options):
        """Say that it ran, and with which app."""
        self.stdout.write(f"other migrate: {options['app_label']}")
