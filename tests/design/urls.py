"""Our addresses, and pages that stand in the shell of signed-in pages with something in it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

import freehold.urls
from freehold.access import public
from freehold.pages import PRIVATE, private_page, show_viewer
from freehold.samples import Item, SampleForm
from orgs.models import Organization
from orgs.vocabulary import Kind, State

LABELS = "Overview, People, Teams, Namespaces, Proofs, Trusted publishers, API tokens, Audit trail, Who may do what, Settings"
BODY = """{% extends "manage/base.html" %}
{% block title %}People · {{ organization.display_name }}{% endblock %}
{% block heading %}People{% endblock %}
{% block lead %}<p class="lead">Who is in the organization.</p>{% endblock %}
{% block actions %}{% include "components/button.html" with text="Invite people" href="#" only %}{% endblock %}
{% block content %}{% component "card" heading="Somebody" %}{% include "components/person.html" with name="Ada Lovelace" only %}{% endcomponent %}{% endblock %}
"""
FORM = """{% extends "manage/account_base.html" %}
{% block title %}Profile{% endblock %}
{% block heading %}Profile{% endblock %}
{% block content %}{% component "form" text="Save" %}{{ form }}{% endcomponent %}{% endblock %}
"""


def navigation(current: str) -> list[Item]:
    return [Item(label, "#", label == current) for label in LABELS.split(", ")]


def from_text(request: HttpRequest, text: str, context: dict[str, Any]) -> HttpResponse:
    """A private page whose template stands here."""
    show_viewer(request)
    rendered = engines["django"].from_string(text).render(context, request)
    return HttpResponse(rendered, headers={"Cache-Control": PRIVATE})


@public
def shell(request: HttpRequest) -> HttpResponse:
    """A page of an organization, after something was done there."""
    acme = Organization(name="acme", display_name="Acme Rockets", kind=Kind.COMPANY, state=State.ACTIVE)
    messages.success(request, "The team <b>Releases</b> was made.")
    return from_text(request, BODY, {"organization": acme, "navigation": navigation("People")})


@public
def profile(request: HttpRequest) -> HttpResponse:
    """A page of an account, with a form that is refused when it is posted."""
    form: forms.Form = SampleForm(request.POST or None)
    return from_text(request, FORM, {"form": form, "navigation": navigation("Settings")})


@public
def broken(request: HttpRequest) -> HttpResponse:
    return private_page(request, "errors/404.html", {"status": 404}, status=404)


urlpatterns = [
    path("shell/", shell),
    path("profile/", profile),
    path("private-404/", broken),
    *freehold.urls.urlpatterns,
]

handler400, handler403 = freehold.urls.handler400, freehold.urls.handler403
handler404, handler500 = freehold.urls.handler404, freehold.urls.handler500
