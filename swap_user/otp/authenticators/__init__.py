"""What the database holds: secrets, recovery codes, their rotation and revocation."""
