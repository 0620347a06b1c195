"""What a session knows about a login."""
