"""What follows when a user row is changed or deleted, wherever that happens."""
