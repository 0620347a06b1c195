"""Many logins at once by the JSON API, while a slow mail server takes the messages."""
