"""A small real site that shows the login; start it with `make demo`. Not part of the package."""

ACCOUNT = "admin@example.com"
"""The superuser that is made when the demo first starts."""
