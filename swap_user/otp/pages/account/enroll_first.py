"""The steps of a login, which lead to the page that adds an app if the user must enroll one."""

from typing import TYPE_CHECKING, Any

from swap_user.otp.enforcement.pages import with_next
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.pages.account.look import url_of
from swap_user.otp.pages.addresses.sign_up import SignUpView
from swap_user.otp.pages.login.views import CodeView, UsernameView
from swap_user.otp.pages.methods.names import ADD

if TYPE_CHECKING:
    from swap_user.otp.pages.login.base import StepView as _Step
else:
    _Step = object


class _EnrollFirst(_Step):
    """After the login, lead to the page that adds an app if one is required, and then go on."""

    def get_success_url(self) -> str:
        """Return the URL after the login, or of the page that adds an app, which leads there."""
        url: str = super().get_success_url()
        request: Any = self.request
        add_url = url_of(request, ADD)
        if not standing(request).is_due or url.partition("?")[0] == add_url:
            return url
        return with_next(add_url, url)


class AccountSignUpView(_EnrollFirst, SignUpView):
    """The page that creates an account."""


class AccountUsernameView(_EnrollFirst, UsernameView):
    """The step that asks for the username."""


class AccountCodeView(_EnrollFirst, CodeView):
    """The step that asks for the code."""
