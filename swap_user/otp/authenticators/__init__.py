"""Authenticators and recovery codes in the database: secrets, queries, rotation, revocation."""
