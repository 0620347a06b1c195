"""What is known of a visitor before login: flow, client address and known browser."""
