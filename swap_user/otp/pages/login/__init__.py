"""The pages of a login: username, code, resend."""
