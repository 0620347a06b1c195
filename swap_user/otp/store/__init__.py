"""The only client of Redis."""
