"""Statements that stay committed if the caller rolls back."""
