"""Who must enroll an authenticator app, and from when on."""
