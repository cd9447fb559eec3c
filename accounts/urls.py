"""Everything under ``/accounts/``: our own pages and allauth's, each with who may see it.

``ACCESS`` has a row for every route of allauth that we serve. A route without a row, which a new release or a setting
may bring, is refused at start-up; ``UNUSED`` names those that are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any

from allauth.account import urls as account_urls
from allauth.account.adapter import get_adapter
from allauth.mfa import urls as mfa_urls
from allauth.socialaccount import urls as social_urls
from allauth.usersessions import urls as session_urls
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.urls.resolvers import RoutePattern

from accounts.access import fresh, signed_in, viewer_of
from accounts.views import again, mails, own, second_factors, sign_in
from freehold.access import public
from freehold.pages import private

View = Callable[..., HttpResponseBase]


def anew(view: View) -> View:
    """A new way in is set up by who has just shown who they are. allauth asks for that too, but not those who have
    neither password nor second factor yet."""
    return signed_in(fresh(view))


def changed_anew(view: View) -> View:
    """Looked at by who is signed in, changed by who has just shown again who they are. Those who have a password or a
    second factor are asked by allauth itself, which keeps what they sent meanwhile."""
    asked = fresh(view)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        spared = request.method != "POST" or get_adapter(request).get_reauthentication_methods(viewer_of(request))
        return (view if spared else asked)(request, *args, **kwargs)

    return signed_in(guarded)


ACCESS: dict[str, Callable[[View], View]] = {
    # Ways in and out
    "account_login": public,
    "account_logout": public,
    "account_signup": public,
    "account_signup_by_passkey": public,
    "account_inactive": public,
    "account_email_verification_sent": public,
    "account_reset_password": public,
    "account_reset_password_done": public,
    "account_reset_password_from_key": public,
    "account_reset_password_from_key_done": public,
    "mfa_authenticate": public,
    "mfa_login_webauthn": public,
    "mfa_signup_webauthn": public,
    "socialaccount_login_cancelled": public,
    "socialaccount_login_error": public,
    "socialaccount_signup": public,
    # Showing again who one is
    "account_reauthenticate": signed_in,
    "mfa_reauthenticate": signed_in,
    "mfa_reauthenticate_webauthn": signed_in,
    # The account
    "account_email": changed_anew,
    "account_change_password": signed_in,
    "account_set_password": anew,
    "mfa_index": signed_in,
    "mfa_activate_totp": anew,
    "mfa_deactivate_totp": signed_in,
    "mfa_list_webauthn": signed_in,
    "mfa_add_webauthn": anew,
    "mfa_edit_webauthn": signed_in,
    "mfa_remove_webauthn": signed_in,
    "mfa_view_recovery_codes": signed_in,
    "mfa_generate_recovery_codes": signed_in,
    "mfa_download_recovery_codes": signed_in,
    "socialaccount_connections": changed_anew,
    "usersessions_list": signed_in,
}

UNUSED = {"account_confirm_login_code"}  # codes by mail verify addresses here; they sign nobody in

INSTEAD: dict[str, View] = {
    "account_reauthenticate": again.reauthenticate,
    "mfa_remove_webauthn": second_factors.RemovePasskey.as_view(),
    "mfa_deactivate_totp": second_factors.DeactivateApp.as_view(),
    "mfa_download_recovery_codes": second_factors.DownloadCodes.as_view(),
}
"""Views of ours in the place of allauth's."""


def guarded(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[URLPattern | URLResolver]:
    """allauth's patterns, each open to whom its row names, and kept by no cache."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield URLResolver(pattern.pattern, list(guarded(pattern.url_patterns)), pattern.default_kwargs)
        elif pattern.name not in UNUSED:
            yield _guarded(pattern)


def _guarded(pattern: URLPattern) -> URLPattern:
    name = pattern.name or ""
    if name not in ACCESS:
        raise ImproperlyConfigured(f"accounts.urls.ACCESS does not say who may see {name!r}, a route of allauth.")
    view = ACCESS[name](private(INSTEAD.get(name, pattern.callback)))
    return URLPattern(pattern.pattern, view, pattern.default_args, name)


def under(prefix: str, patterns: Iterable[URLPattern | URLResolver]) -> URLResolver:
    return URLResolver(RoutePattern(prefix), list(guarded(patterns)))


oidc_patterns = [
    path("login/", public(private(sign_in.begin)), name="openid_connect_login"),
    path("login/callback/", public(private(sign_in.finish)), name="openid_connect_callback"),
]

urlpatterns = [
    path("profile/", own.profile, name="account-profile"),
    path("second-factor/", own.second_factor_needed, name="second-factor-needed"),
    path("mails/", mails.mails, name="account-mails"),
    path("mails/stop/<str:token>/", mails.stop, name="account-mails-stop"),
    path("index-identity/", own.index_identity, name="index-identity"),
    path("index-identity/code/", own.index_code, name="index-identity-code"),
    path("index-identity/unlink/", own.index_unlink, name="index-identity-unlink"),
    re_path(r"^oidc/(?P<provider_id>[a-z0-9-]+)/", include(oidc_patterns)),
    under("two-step/", mfa_urls.urlpatterns),
    under("connected/", social_urls.urlpatterns),
    under("sessions/", session_urls.urlpatterns),
    under("", account_urls.urlpatterns),
]
