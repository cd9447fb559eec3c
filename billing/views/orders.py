"""For staff: who ordered by invoice and waits to begin, and what came to the bank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import staff_only, viewer_of
from billing import clock
from billing.models import Allowance, Invoice
from billing.money import Money
from billing.services.allowances import approve_allowance, can_approve, refuse_allowance, request_allowance
from billing.services.wires import can_record, outstanding, record_wire
from billing.views.buying_forms import AllowanceForm, WireForm
from freehold.access import act
from freehold.errors import Invalid
from freehold.origin import client_address
from freehold.pages import private_page
from orgs.actors import Actor
from orgs.models import Organization
from orgs.views.shell import attempt, submit

FORM = ("GET", "HEAD", "POST")
LISTED = 200


@dataclass(frozen=True, slots=True)
class AllowanceRow:
    """``refusal`` is why this person of the staff may not approve it, empty where they may."""

    allowance: Allowance
    refusal: str


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    invoice: Invoice
    left: Money
    is_overdue: bool
    refusal: str


@staff_only
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """What waits for somebody: orders that would like to begin, and invoices that a wire is to pay."""
    waiting = Allowance.objects.filter(approved_by__isnull=True, ended_at__isnull=True)
    waiting = waiting.select_related("organization", "intent__plan", "requested_by").order_by("pk")
    invoices = Invoice.objects.filter(status="open", collection_method="send_invoice")
    invoices = invoices.select_related("organization").prefetch_related("wires").order_by("due_at", "pk")
    actor = _actor(request)
    prefetch_related_objects([viewer_of(request)], "memberships")
    context = {
        "waiting": [AllowanceRow(one, can_approve(one, actor).reason) for one in waiting[:LISTED]],
        "invoices": [_row(invoice) for invoice in invoices[:LISTED]],
    }
    return private_page(request, "billing/review_orders.html", context)


def _row(invoice: Invoice) -> InvoiceRow:
    overdue = invoice.due_at is not None and invoice.due_at <= clock.now()
    settled = any(wire.settles for wire in invoice.wires.all())
    refusal = _("A wire was recorded; Stripe is being told.") if settled else ""
    return InvoiceRow(invoice, outstanding(invoice), overdue, refusal)


def _actor(request: HttpRequest) -> Actor:
    return Actor.staff(viewer_of(request), origin=client_address(request))


@staff_only
@require_http_methods(FORM)
def wire(request: HttpRequest, invoice: int) -> HttpResponse:
    """What came for an invoice."""
    found = get_object_or_404(Invoice.objects.select_related("organization"), pk=invoice)
    left = outstanding(found)
    start = {"amount": left.written() if left.amount > 0 else "", "received_on": clock.now().date()}
    form = WireForm(request.POST if request.method == "POST" else None, initial=start, currency=found.currency)

    def record(data: dict[str, Any]) -> None:
        record_wire(actor=_actor(request), invoice=found, **data)

    if request.method == "POST" and submit(request, form, record, _("Recorded. The customer was told.")):
        return redirect("review-orders")
    context = {"form": form, "invoice": found, "left": left, "refusal": can_record(found).reason}
    context["wires"] = [(one, Money(one.amount, one.currency)) for one in found.wires.order_by("received_on", "pk")]
    return private_page(request, "billing/review_wire.html", context, status=422 if form.errors else 200)


@staff_only
@require_http_methods(FORM)
def allowance_new(request: HttpRequest) -> HttpResponse:
    """Propose to grant something by hand."""
    form = AllowanceForm(request.POST if request.method == "POST" else None, initial={"days": 30})

    def propose(data: dict[str, Any]) -> None:
        name = data.pop("organization").strip()
        organization = Organization.objects.filter(names__name=name).first() if "\x00" not in name else None
        if organization is None:
            raise Invalid(_("There is no organization of this name."))
        request_allowance(actor=_actor(request), organization=organization, **data)

    if request.method == "POST" and submit(request, form, propose, _("Proposed. Somebody else has to approve it.")):
        return redirect("review-orders")
    return private_page(request, "billing/review_allowance.html", {"form": form}, status=422 if form.errors else 200)


@act
@staff_only
def approve(request: HttpRequest, allowance: int) -> HttpResponse:
    found = get_object_or_404(Allowance, pk=allowance)
    done = _("Approved. It begins now, and they were told.")
    attempt(request, lambda: approve_allowance(actor=_actor(request), allowance=found), done)
    return redirect("review-orders")


@act
@staff_only
def refuse(request: HttpRequest, allowance: int) -> HttpResponse:
    found, reason = get_object_or_404(Allowance, pk=allowance), request.POST.get("reason", "")
    done = _("Refused. They were told why.")
    attempt(request, lambda: refuse_allowance(actor=_actor(request), allowance=found, reason=reason), done)
    return redirect("review-orders")
