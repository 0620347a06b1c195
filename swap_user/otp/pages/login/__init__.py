"""The pages of a login: for the username, for the code, and for another code."""
