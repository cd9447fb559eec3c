"""Showing again who one is. Who has neither password nor second factor here does it where they come from."""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import ReauthenticateView
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import viewer_of
from accounts.models import User
from freehold.pages import private_page

_by_password = ReauthenticateView.as_view()


def reauthenticate(request: HttpRequest) -> HttpResponseBase:
    """By password, from where it goes on to a second factor; or by a new sign-in through an identity provider."""
    if get_adapter(request).get_reauthentication_methods(viewer_of(request)):
        answer: HttpResponseBase = _by_password(request)
        return answer
    return _elsewhere(request)


@require_safe
def _elsewhere(request: HttpRequest) -> HttpResponse:
    """Coming back from there signs out and in anew, so nothing is lost when the provider does not answer."""
    query = {"process": "login", "next": get_next_redirect_url(request) or reverse("dashboard")}
    ways = [
        (settings.FREEHOLD_IDENTITY_PROVIDERS[found].name, f"{_address(found)}?{urlencode(query)}")
        for found in providers_of(viewer_of(request))
    ]
    return private_page(request, "accounts/reauthenticate_elsewhere.html", {"ways": ways})


def _address(provider: str) -> str:
    return reverse("openid_connect_login", args=[provider])


def providers_of(user: User) -> list[str]:
    """The ids of the identity providers by which the user can sign in now."""
    connected = SocialAccount.objects.filter(user=user).order_by("provider").values_list("provider", flat=True)
    return [found for found in connected.distinct() if found in settings.FREEHOLD_IDENTITY_PROVIDERS]
