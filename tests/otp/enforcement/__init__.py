"""Users who must enroll an authenticator app, at once or after a grace period."""
