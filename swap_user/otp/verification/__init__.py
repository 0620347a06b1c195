"""Whether a code counts."""
