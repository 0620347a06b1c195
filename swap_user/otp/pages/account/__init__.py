"""The pages for a site's own users: ``path("account/", include("swap_user.otp.urls"))``."""
