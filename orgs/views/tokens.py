"""The API tokens of an organization: which there are, making one, revoking one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from orgs.models import OrganizationToken
from orgs.selectors_tokens import leaked_tokens, token_of, tokens_in_use
from orgs.services.organization_tokens import (
    LIFETIME,
    LONGEST_LIFETIME,
    NAME_LENGTH,
    create_organization_token,
    revoke_organization_token,
)
from orgs.views.access import Here, organization_page
from orgs.views.shell import attempt, organization_response, submit
from orgs.vocabulary import Permission

CURRENT = "organization-tokens"
COMMANDS = """export FREEHOLD_URL={url} FREEHOLD_ORGANIZATION={name}
read -rs FREEHOLD_TOKEN && export FREEHOLD_TOKEN
freehold org people list"""
NEVER = "never"
LIFETIMES = [
    ("30", lazy("30 days")),
    (str(LIFETIME.days), lazy("90 days")),
    ("180", lazy("180 days")),
    (str(LONGEST_LIFETIME.days), lazy("A year")),
    (NEVER, lazy("Until it is revoked")),
]


class TokenForm(forms.Form):
    name = forms.CharField(
        label=lazy("Name"),
        max_length=NAME_LENGTH,
        help_text=lazy("What will use it, such as “release pipeline”. It stands in the audit trail."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    permissions = forms.MultipleChoiceField(
        label=lazy("What it may do"),
        choices=Permission.choices,
        initial=[Permission.VIEW],
        widget=forms.CheckboxSelectMultiple,
        help_text=lazy("Tick no more than it needs. It never may more than you do yourself."),
    )
    lifetime = forms.ChoiceField(
        label=lazy("Expires after"),
        choices=LIFETIMES,
        initial=str(LIFETIME.days),
        widget=forms.RadioSelect,
        help_text=lazy("The owners get a mail a week before."),
    )

    def clean_permissions(self) -> list[Permission]:
        return [Permission(value) for value in self.cleaned_data["permissions"]]


@organization_page(Permission.MANAGE_NAMESPACES)
@require_safe
def listing(request: HttpRequest, here: Here) -> HttpResponse:
    context = {"rows": tokens_in_use(here.organization), "leaked": leaked_tokens(here.organization)}
    context["commands"] = COMMANDS.format(url=settings.FREEHOLD_URL, name=here.organization.name)
    return organization_response(request, here, "manage/tokens/list.html", context, current=CURRENT)


@organization_page(Permission.MANAGE_NAMESPACES, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, here: Here) -> HttpResponse:
    """The answer to the form shows the token, this once: it is stored nowhere, not even in the session."""
    form = TokenForm(request.POST or None)
    made: list[tuple[OrganizationToken, str]] = []

    def make(cleaned: dict[str, Any]) -> None:
        expires_at = _end(cleaned.pop("lifetime"))
        made.append(
            create_organization_token(
                actor=here.actor, organization=here.organization, expires_at=expires_at, **cleaned
            )
        )

    if request.method == "POST" and submit(request, form, make):
        token, secret = made[0]
        context = {
            "token": token,
            "secret": secret,
            "permissions": [Permission(value) for value in token.permissions],
            "command": f'curl -H "Authorization: Bearer $FREEHOLD_TOKEN" {_api(here)}',
        }
        return organization_response(request, here, "manage/tokens/created.html", context, current=CURRENT)
    return organization_response(request, here, "manage/tokens/new.html", {"form": form}, current=CURRENT)


def _api(here: Here) -> str:
    return f"{settings.FREEHOLD_URL}/api/v1/organizations/{here.organization.name}"


def _end(lifetime: str) -> datetime | None:
    return None if lifetime == NEVER else timezone.now() + timedelta(days=int(lifetime))


@organization_page(Permission.MANAGE_NAMESPACES)
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, here: Here, token: int) -> HttpResponse:
    found = token_of(here.organization, token)
    if request.method == "POST":
        attempt(request, lambda: revoke_organization_token(actor=here.actor, token=found), _("The token is revoked."))
        return redirect(CURRENT, here.organization.name)
    return organization_response(request, here, "manage/tokens/revoke.html", {"token": found}, current=CURRENT)
