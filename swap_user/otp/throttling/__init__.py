"""What may happen how often: wrong guesses, requests for codes, and messages."""
