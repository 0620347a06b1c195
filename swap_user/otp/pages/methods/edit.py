"""The pages that rename and remove one of the user's authenticators."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from swap_user.models import Authenticator
from swap_user.otp.authenticators import revocation
from swap_user.otp.pages.methods.base import ChangingView
from swap_user.otp.pages.methods.forms import NameForm
from swap_user.otp.pages.methods.names import OVERVIEW


class _OneView(ChangingView):
    """A page about one authenticator of the user; anybody else's does not exist here."""

    def authenticator(self) -> Authenticator:
        """
        Return it.

        Raises:
            Http404: the user has none of this id.
        """
        pk: UUID = self.kwargs["pk"]
        found: Authenticator = get_object_or_404(self.authenticators(), pk=pk)
        return found


class RenameView(_OneView):
    """Rename an authenticator. It lets in as before, so no session ends and nobody is told."""

    title = gettext_lazy("Rename")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the name."""
        authenticator = self.authenticator()
        form = NameForm(initial={"name": authenticator.name})
        return self.show(form, authenticator)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take it."""
        authenticator = self.authenticator()
        form = NameForm(request.POST)
        if not form.is_valid():
            return self.show(form, authenticator)
        authenticator.name = form.cleaned_data["name"]
        # Whatever else was written to it meanwhile stays, also that it is gone.
        self.authenticators().filter(pk=authenticator.pk).update(name=authenticator.name)
        self.say(_("It is called “%(name)s” now.") % {"name": authenticator})
        return self.go(OVERVIEW)

    def show(self, form: NameForm, authenticator: Authenticator) -> HttpResponse:
        """Show the page."""
        context = self.get_context_data(form=form, authenticator=authenticator)
        return self.render_to_response(context)


class RemoveView(_OneView):
    """Remove an authenticator."""

    title = gettext_lazy("Remove")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask whether that is meant."""
        authenticator = self.authenticator()
        is_last = self.authenticators().count() == 1
        context = self.get_context_data(authenticator=authenticator, is_last=is_last)
        return self.render_to_response(context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do it."""
        authenticator = self.authenticator()
        name = str(authenticator)
        if revocation.remove_authenticator(authenticator):
            self.end_other_sessions()
            self.say(_("“%(name)s” was removed. Its codes let nobody in.") % {"name": name})
        return self.go(OVERVIEW)
