"""The Redis client. No other part of the package connects to Redis."""
