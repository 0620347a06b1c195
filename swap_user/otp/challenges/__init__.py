"""The state of a login in progress, kept in Redis."""
