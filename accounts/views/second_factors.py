"""allauth's views of second factors, where ours differ: one that somebody needs is not taken away.

The user's row is locked first: of two removals beside each other, the second sees what the first has done.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import DownloadRecoveryCodesView
from allauth.mfa.totp.views import DeactivateTOTPView
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.contrib import messages
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.access import viewer_of
from accounts.models import User


class Guarded:
    """Before the other view's: the removal happens in one transaction, behind the lock, after the guard."""

    request: HttpRequest

    def doomed(self) -> Authenticator:
        raise NotImplementedError

    @transaction.atomic
    def form_valid(self, form: BaseForm) -> HttpResponse:
        User.objects.select_for_update().get(pk=viewer_of(self.request).pk)
        reason = get_adapter().why_not_delete(self.doomed())
        if reason:
            messages.error(self.request, reason)
            return redirect("mfa_index")
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]  # of the view beside it
        return response


class RemovePasskey(Guarded, RemoveWebAuthnView):  # type: ignore[misc]  # allauth has no types
    def doomed(self) -> Authenticator:
        found: Authenticator = self.get_object()
        return found

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "why_not": get_adapter().why_not_delete(self.object)}


class DeactivateApp(Guarded, DeactivateTOTPView):  # type: ignore[misc]  # as above
    def doomed(self) -> Authenticator:
        found: Authenticator = self.authenticator
        return found

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "why_not": get_adapter().why_not_delete(self.authenticator)}


class DownloadCodes(DownloadRecoveryCodesView):  # type: ignore[misc]  # as above
    """As a file, under a name that still says what it is in a year."""

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().render_to_response(context, **kwargs)
        response["Content-Disposition"] = 'attachment; filename="freehold-recovery-codes.txt"'
        return response
