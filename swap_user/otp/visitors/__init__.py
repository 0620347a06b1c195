"""What is known about a visitor before the login: flow, client address and known browser."""
