"""The pages of a login: the username, the code, and sending another code."""
