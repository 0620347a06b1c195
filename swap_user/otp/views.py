"""The views of a login, for pages of a project's own."""

from swap_user.otp.pages.login.views import CodeView, ResendView, UsernameView

__all__ = ["CodeView", "ResendView", "UsernameView"]
