"""The navigation beside the pages of one's own account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import template
from django.template import Context
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import viewer_of

register = template.Library()

PAGES: tuple[tuple[str, Promise, frozenset[str]], ...] = (
    ("account-profile", _("Profile"), frozenset()),
    ("account_email", _("E-mail addresses"), frozenset()),
    ("account-mails", _("Mails to you"), frozenset()),
    ("account_change_password", _("Password"), frozenset({"account_set_password"})),
    ("mfa_index", _("Two-step verification"), frozenset({"mfa_activate_totp", "mfa_deactivate_totp"})),
    ("mfa_list_webauthn", _("Passkeys"), frozenset({"mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn"})),
    ("mfa_view_recovery_codes", _("Recovery codes"), frozenset({"mfa_generate_recovery_codes"})),
    ("usersessions_list", _("Sessions"), frozenset()),
    ("socialaccount_connections", _("Connected sign-ins"), frozenset()),
    ("index-identity", _("Name on the index"), frozenset({"index-identity-code", "index-identity-unlink"})),
)
"""URL name, label, and the names of pages that lie behind it."""


@dataclass(frozen=True)
class NavigationItem:
    label: str | Promise
    url: str
    current: bool


@register.simple_tag(takes_context=True)
def account_navigation(context: Context) -> list[NavigationItem]:
    """``components/nav-list.html`` draws it. Recovery codes are there for who has any."""
    request = context["request"]
    here = request.resolver_match.url_name
    return [
        NavigationItem(label, reverse(name), here == name or here in behind)
        for name, label, behind in PAGES
        if name != "mfa_view_recovery_codes" or _has_recovery_codes(viewer_of(request).pk)
    ]


def _has_recovery_codes(user_id: int) -> bool:
    return bool(Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.RECOVERY_CODES).exists())


@register.filter
def any_unverified(addresses: Iterable[EmailAddress]) -> bool:
    return any(not address.verified for address in addresses)


@register.filter
def browser(user_agent: str) -> str:
    """The browser and the system that a user agent names, as well as can be told: ``Firefox, Linux``."""
    found = [next((label for word, label in words if word in user_agent), "") for words in (_BROWSERS, _SYSTEMS)]
    return ", ".join(part for part in found if part) or user_agent[:60]


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
