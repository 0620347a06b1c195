"""A small shop with the login pages. Start it with `make demo`. It is not part of the package."""

ACCOUNT = "admin@example.com"
"""The username of the superuser that the demo creates when it first starts."""
