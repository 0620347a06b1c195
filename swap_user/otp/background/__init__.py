"""How a job runs outside of the request."""
