"""Base classes of the four user models, and the canonical form of usernames."""
