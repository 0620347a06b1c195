"""Who makes a request: session, client address, known browser."""
