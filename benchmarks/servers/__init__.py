"""What becomes of accepted messages when a server ends."""
