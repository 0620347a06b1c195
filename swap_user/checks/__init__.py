"""System checks: what `manage.py check` reports."""
