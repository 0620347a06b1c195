"""The login views, for a project's own pages."""

from swap_user.otp.pages.login.views import CodeView, ResendView, UsernameView

__all__ = ["CodeView", "ResendView", "UsernameView"]
