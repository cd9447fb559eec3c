"""What the pages of an organization have in common: the navigation, and how a service's refusal is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from freehold.errors import DomainError, NotPermitted
from freehold.pages import private_page
from orgs.models import Organization
from orgs.views.access import Here
from orgs.vocabulary import Kind, Permission

PAGES: tuple[tuple[str, Promise, Permission], ...] = (
    ("organization-overview", _("Overview"), Permission.VIEW),
    ("organization-people", _("People"), Permission.VIEW),
    ("organization-teams", _("Teams"), Permission.VIEW),
    ("organization-namespaces", _("Namespaces"), Permission.VIEW),
    ("organization-claims", _("Claims"), Permission.VIEW),
    ("organization-proofs", _("Proofs"), Permission.VIEW),
    ("organization-community", _("Community status"), Permission.VIEW),
    ("organization-publishers", _("Trusted publishers"), Permission.MANAGE_TEAMS),
    ("organization-tokens", _("API tokens"), Permission.MANAGE_NAMESPACES),
    ("organization-plan", _("Plan and invoices"), Permission.MANAGE_BILLING),
    ("organization-audit", _("Audit trail"), Permission.VIEW_AUDIT),
    ("organization-roles", _("Who may do what"), Permission.VIEW),
    ("organization-settings", _("Settings"), Permission.MANAGE_PEOPLE),
)
"""The side navigation: URL name, label, and what one must be able to do to see it."""


@dataclass(frozen=True)
class NavigationItem:
    label: str | Promise
    url: str
    current: bool


def navigation(here: Here, current: str) -> list[NavigationItem]:
    """The pages of the organization that this viewer may see; ``current`` is the URL name of the one shown."""
    return [
        NavigationItem(label, reverse(name, args=[here.organization.name]), name == current)
        for name, label, permission in PAGES
        if here.may(permission) and (name == current or _concerns(here.organization, name))
    ]


def _concerns(organization: Organization, page: str) -> bool:
    """Companies get to what is for community projects by their settings; these have nothing to pay."""
    if page == "organization-plan":
        return settings.FREEHOLD_STRIPE.enabled and organization.kind == Kind.COMPANY
    return page != "organization-community" or organization.kind == Kind.COMMUNITY


def organization_response(
    request: HttpRequest, here: Here, template: str, context: dict[str, Any], *, current: str, status: int = 200
) -> HttpResponse:
    """A page that extends ``manage/base.html``."""
    frame = {"here": here, "organization": here.organization, "navigation": navigation(here, current)}
    return private_page(request, template, {**frame, **context}, status=status)


def attempt(request: HttpRequest, act: Callable[[], object], done: str = "") -> bool:
    """Do what a button asks for. A refusal is shown on the next page; True when it was done."""
    try:
        act()
    except NotPermitted:
        raise
    except DomainError as error:
        messages.error(request, error.message)
        return False
    if done:
        messages.success(request, done)
    return True


def submit(request: HttpRequest, form: BaseForm, act: Callable[[dict[str, Any]], object], done: str = "") -> bool:
    """Do what a form asks for, with what it holds. A refusal is an error of the form, so that nothing typed is lost."""
    if not form.is_valid():
        return False
    try:
        act(form.cleaned_data)
    except NotPermitted:
        raise
    except DomainError as error:
        form.add_error(None, error.message)
        return False
    if done:
        messages.success(request, done)
    return True
