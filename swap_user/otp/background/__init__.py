"""Running jobs outside of the request."""
