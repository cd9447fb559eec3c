"""The audit trail of an organization: to read, to take away, and to have sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from freehold.access import act
from orgs.models import AuditEndpoint, AuditEvent
from orgs.selectors_audit import (
    AuditFilter,
    actions_of,
    as_csv,
    as_jsonl,
    audit_endpoints,
    audit_page,
    audit_trail,
    changes_of,
    event_as_json,
    recent_deliveries,
)
from orgs.services.audit_endpoints import (
    create_audit_endpoint,
    delete_audit_endpoint,
    enable_audit_endpoint,
    rotate_audit_secret,
)
from orgs.views.access import Here, organization_page
from orgs.views.shell import attempt, organization_response, submit
from orgs.vocabulary import Permission

CURRENT = "organization-audit"
EXPORTS = {"jsonl": (as_jsonl, "application/jsonl"), "csv": (as_csv, "text/csv; charset=utf-8")}


class FilterForm(forms.Form):
    is_filter = True

    actor = forms.CharField(label=gettext_lazy("Who"), required=False, max_length=200)
    action = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    target = forms.CharField(label=gettext_lazy("To what"), required=False, max_length=200)
    since = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, data: Any, actions: list[str]) -> None:
        super().__init__(data)
        field = self.fields["action"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", gettext("Everything")), *((action, action) for action in actions)]

    def wanted(self) -> AuditFilter:
        """What was asked for; what makes no sense is shown as an error and does not narrow."""
        self.is_valid()
        return AuditFilter(**{name: value for name, value in self.cleaned_data.items() if value})


class EndpointForm(forms.Form):
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        help_text=gettext_lazy("An https:// address that takes POST requests. Each event is sent there, signed."),
        widget=forms.URLInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    template: ClassVar[str] = "manage/audit/webhook_new.html"


@organization_page(Permission.VIEW_AUDIT)
@require_safe
def trail(request: HttpRequest, here: Here) -> HttpResponse:
    form = FilterForm(request.GET, actions_of(here.organization))
    wanted = form.wanted()
    page = audit_page(here.organization, wanted, _position(request))
    context = {
        "form": form,
        "page": page,
        "narrowed": bool(wanted),
        "may_stream": here.may(Permission.MANAGE_PEOPLE),
        "older": _link(request, before=page.older) if page.older else "",
        "exports": {kind: _link(request, before=None) for kind in EXPORTS},
    }
    return organization_response(request, here, "manage/audit/trail.html", context, current=CURRENT)


def _position(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _link(request: HttpRequest, **changed: object) -> str:
    """The query of this page, with some of it changed."""
    kept = {name: value for name, value in request.GET.items() if value and name not in changed}
    query = urlencode({**kept, **{name: value for name, value in changed.items() if value is not None}})
    return f"?{query}" if query else ""


@organization_page(Permission.VIEW_AUDIT)
@require_safe
def export(request: HttpRequest, here: Here, kind: str) -> StreamingHttpResponse:
    """Everything that the filter leaves, the newest first, as a file."""
    if kind not in EXPORTS:
        raise Http404
    write, content_type = EXPORTS[kind]
    wanted = FilterForm(request.GET, actions_of(here.organization)).wanted()
    response = StreamingHttpResponse(_written(write(audit_trail(here.organization, wanted))), content_type=content_type)
    name = f"{here.organization.name}-audit-{timezone.now():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _written(lines: Iterator[str]) -> Iterator[bytes]:
    return (line.encode() for line in lines)


@organization_page(Permission.VIEW_AUDIT)
@require_safe
def event(request: HttpRequest, here: Here, position: int) -> HttpResponse:
    found: AuditEvent | None = audit_trail(here.organization).filter(position=position).first()
    if found is None:
        raise Http404
    context = {"event": found, "seal": event_as_json(found)["hash"], "changes": changes_of(found)}
    return organization_response(request, here, "manage/audit/event.html", context, current=CURRENT)


# --- Webhooks -------------------------------------------------------------------------------------------------------


@organization_page(Permission.MANAGE_PEOPLE)
@require_safe
def webhooks(request: HttpRequest, here: Here) -> HttpResponse:
    context = {"endpoints": audit_endpoints(here.organization)}
    return organization_response(request, here, "manage/audit/webhooks.html", context, current=CURRENT)


@organization_page(Permission.MANAGE_PEOPLE, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_new(request: HttpRequest, here: Here) -> HttpResponse:
    form = EndpointForm(request.POST or None)
    made: dict[str, Any] = {}

    def create(data: dict[str, Any]) -> None:
        made["endpoint"], made["secret"] = create_audit_endpoint(
            actor=here.actor, organization=here.organization, url=data["url"]
        )

    if submit(request, form, create):
        return _secret(request, here, **made)
    return organization_response(request, here, EndpointForm.template, {"form": form}, current=CURRENT)


def _secret(request: HttpRequest, here: Here, *, endpoint: AuditEndpoint, secret: str) -> HttpResponse:
    context = {"endpoint": endpoint, "secret": secret}
    return organization_response(request, here, "manage/audit/webhook_secret.html", context, current=CURRENT)


@organization_page(Permission.MANAGE_PEOPLE)
@require_safe
def webhook(request: HttpRequest, here: Here, number: int) -> HttpResponse:
    endpoint = _endpoint(here, number)
    context = {"endpoint": endpoint, "deliveries": recent_deliveries(endpoint)}
    return organization_response(request, here, "manage/audit/webhook.html", context, current=CURRENT)


def _endpoint(here: Here, number: int) -> AuditEndpoint:
    found = audit_endpoints(here.organization).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


@organization_page(Permission.MANAGE_PEOPLE, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_rotate(request: HttpRequest, here: Here, number: int) -> HttpResponse:
    endpoint = _endpoint(here, number)
    if request.method == "POST":
        return _secret(
            request, here, endpoint=endpoint, secret=rotate_audit_secret(actor=here.actor, endpoint=endpoint)
        )
    return organization_response(
        request, here, "manage/audit/webhook_rotate.html", {"endpoint": endpoint}, current=CURRENT
    )


@act
@organization_page(Permission.MANAGE_PEOPLE)
def webhook_enable(request: HttpRequest, here: Here, number: int) -> HttpResponse:
    endpoint = _endpoint(here, number)
    attempt(
        request,
        lambda: enable_audit_endpoint(actor=here.actor, endpoint=endpoint),
        gettext("It is tried again, from where it stopped."),
    )
    return redirect("organization-audit-webhook", here.organization.name, number)


@act
@organization_page(Permission.MANAGE_PEOPLE)
def webhook_delete(request: HttpRequest, here: Here, number: int) -> HttpResponse:
    endpoint = _endpoint(here, number)
    attempt(
        request,
        lambda: delete_audit_endpoint(actor=here.actor, endpoint=endpoint),
        gettext("The webhook is deleted; nothing is sent there any more."),
    )
    return redirect("organization-audit-webhooks", here.organization.name)
