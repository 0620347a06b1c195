"""What only the admin site needs."""
