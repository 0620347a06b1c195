"""The pages that rename and remove one of the user's authenticators."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from swap_user.models import Authenticator
from swap_user.otp.authenticators import revocation
from swap_user.otp.enforcement import rule
from swap_user.otp.pages.methods.base import ChangingView
from swap_user.otp.pages.methods.forms import NameForm
from swap_user.otp.pages.methods.names import OVERVIEW
from swap_user.otp.sessions import proof


class _AuthenticatorView(ChangingView):
    """A page about one authenticator of the user. For those of other users it returns 404."""

    def authenticator(self) -> Authenticator:
        """
        Return the authenticator with the id in the URL.

        Raises:
            Http404: the user has no authenticator with this id.
        """
        pk: UUID = self.kwargs["pk"]
        found: Authenticator = get_object_or_404(self.authenticators(), pk=pk)
        return found


class RenameView(_AuthenticatorView):
    """Rename an authenticator. Its codes work as before: no session ends, no notice is sent."""

    title = gettext_lazy("Rename an authenticator app")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the new name."""
        authenticator = self.authenticator()
        form = NameForm(initial={"name": authenticator.name})
        return self.render_form(form, authenticator)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save the new name."""
        authenticator = self.authenticator()
        form = NameForm(request.POST)
        if not form.is_valid():
            return self.render_form(form, authenticator)
        authenticator.name = form.cleaned_data["name"]
        # Only this column is written, and only if the row still exists.
        self.authenticators().filter(pk=authenticator.pk).update(name=authenticator.name)
        self.add_message(_("It is called “%(name)s” now.") % {"name": authenticator})
        return self.redirect_to_page(OVERVIEW)

    def render_form(self, form: NameForm, authenticator: Authenticator) -> HttpResponse:
        """Show the page with the form."""
        context = self.get_context_data(form=form, authenticator=authenticator)
        return self.render_to_response(context)


class RemoveView(_AuthenticatorView):
    """Remove an authenticator, unless it is the last one and the policy requires one."""

    title = gettext_lazy("Remove an authenticator app")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for confirmation."""
        authenticator = self.authenticator()
        is_last = self.authenticators().count() == 1
        if is_last and self.is_required():
            return self.refuse()
        context = self.get_context_data(authenticator=authenticator, is_last=is_last)
        return self.render_to_response(context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Remove the authenticator, and end the user's other sessions."""
        authenticator = self.authenticator()
        if self.authenticators().count() == 1 and self.is_required():
            return self.refuse()
        name = str(authenticator)
        if revocation.remove_authenticator(authenticator, request):
            if not self.authenticators().exists():
                proof.lower(request)
            self.end_other_sessions()
            self.add_message(
                _("“%(name)s” was removed. Its codes no longer log you in.") % {"name": name}
            )
        return self.redirect_to_page(OVERVIEW)

    def is_required(self) -> bool:
        """Return whether the policy requires an app of the user, now or after a grace period."""
        return rule.exists() and rule.grace_of(self.user) is not None

    def refuse(self) -> HttpResponse:
        """Redirect to the overview, with a message that says what to do instead."""
        text = _(
            "Your account needs an authenticator app, and this is the only one. Add another one "
            "before you remove it."
        )
        messages.warning(self.request, text, fail_silently=True)
        return self.redirect_to_page(OVERVIEW)
