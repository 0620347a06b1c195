"""Verification of codes, and enrollment of authenticators."""
