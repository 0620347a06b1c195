"""A message on its way to a user."""
