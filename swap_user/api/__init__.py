"""The JSON API: ``path("api/auth/", include("swap_user.api.urls"))``."""
