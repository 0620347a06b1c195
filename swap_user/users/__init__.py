"""What the four user models share, and what a username is."""
