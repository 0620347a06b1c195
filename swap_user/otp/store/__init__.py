"""The only package that connects to Redis."""
