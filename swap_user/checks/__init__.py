"""System checks, run by `manage.py check`."""
