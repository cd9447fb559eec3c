"""Billing at the review desk: what waits for somebody, customers, subscriptions and purchases."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import staff_only
from billing.gateway.errors import GatewayError
from billing.models import Call, Health, Intent, Invoice, Subscription, TaxEvidence
from billing.money import Money
from billing.selectors import desk
from billing.selectors.entitlements import entitlement, in_use
from billing.selectors.standings import changes_of, row_of
from billing.services import syncing
from billing.views.desk_parts import IntentFilter, SearchForm, SubscriptionFilter, actor_of, paged, typed
from freehold.access import act
from freehold.pages import private_page
from orgs.models import Organization
from orgs.views.shell import attempt

SHOWN = 5


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    subscription: Subscription
    tone: str


@dataclass(frozen=True, slots=True)
class IntentRow:
    intent: Intent
    total: Money


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    invoice: Invoice
    total: Money
    left: Money


@staff_only
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What waits for people, what waits for workers, and when everything was last compared with Stripe."""
    context = {"waiting": desk.waiting(), "alerts": desk.open_alerts()[:SHOWN], "runs": desk.last_runs()}
    return private_page(request, "billing/desk/overview.html", context)


@staff_only
@require_safe
def customers(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    search = typed(form)["q"].strip()
    context = {"form": form, "search": search, **paged(request, desk.customers(search))}
    return private_page(request, "billing/desk/customers.html", context)


@staff_only
@require_safe
def customer(request: HttpRequest, name: str) -> HttpResponse:
    """All that there is of one organization: what it has, what it owes, and how that came to be."""
    organization = get_object_or_404(Organization, name=name.replace("\x00", ""))
    health = Health.objects.filter(organization=organization).select_related("organization").first()
    evidence = TaxEvidence.objects.filter(customer__organization=organization).order_by("-seen_at", "-pk")
    invoices = Invoice.objects.filter(organization=organization).order_by("-created", "-pk").defer("raw", "lines")
    context = {
        "organization": organization,
        "standing": row_of(health) if health else None,
        "changes": changes_of(organization)[: desk.RECENT],
        "entitlement": entitlement(organization),
        "used": in_use(organization),
        "customers": organization.customers.order_by("-is_current", "-pk"),
        "subscriptions": _rows(list(desk.subscriptions().filter(organization=organization))),
        "invoices": [_invoice_row(invoice) for invoice in invoices[: desk.RECENT]],
        "evidence": evidence[: desk.RECENT],
        "intents": [_intent_row(intent) for intent in desk.intents().filter(organization=organization)[: desk.RECENT]],
        "calls": [(call, desk.TONES[call.state]) for call in _calls_of(organization)],
    }
    return private_page(request, "billing/desk/customer.html", context)


def _calls_of(organization: Organization) -> list[Call]:
    return list(desk.calls().filter(organization=organization)[: desk.RECENT])


def _rows(found: list[Subscription]) -> list[SubscriptionRow]:
    return [SubscriptionRow(each, desk.STATUS_TONES.get(each.status, "warn")) for each in found]


def _intent_row(intent: Intent) -> IntentRow:
    return IntentRow(intent, Money(intent.total, intent.currency))


def _invoice_row(invoice: Invoice) -> InvoiceRow:
    total, left = Money(invoice.total, invoice.currency), Money(invoice.amount_remaining, invoice.currency)
    return InvoiceRow(invoice, total, left)


@staff_only
@require_safe
def subscriptions(request: HttpRequest) -> HttpResponse:
    """Those that are not over, unless others are asked for; with what staff should know of them."""
    form = SubscriptionFilter(request.GET)
    show = typed(form)["show"]
    found = desk.with_problems() if show == "problems" else desk.subscriptions()
    if show == "over":
        found = found.filter(ended_at__isnull=False)
    context = paged(request, found)
    context |= {"form": form, "is_narrowed": bool(show), "rows": _rows(context["rows"])}
    return private_page(request, "billing/desk/subscriptions.html", context)


@act
@staff_only
def compare(request: HttpRequest, subscription: int) -> HttpResponseBase:
    """Look at Stripe now, as an event or the night's comparison would."""
    found = get_object_or_404(Subscription.objects.select_related("organization"), pk=subscription)
    try:
        done = _("Compared: it is as Stripe has it.")
        attempt(request, lambda: syncing.sync_subscription(found.stripe_id, actor=actor_of(request)), done)
    except GatewayError as error:
        messages.error(request, _("Stripe says: %(error)s") % {"error": error.message})
    return redirect("review-billing-customer", found.organization.name)


@staff_only
@require_safe
def intents(request: HttpRequest) -> HttpResponse:
    """Purchases, the newest first: quotes and checkouts, and what became of them."""
    form = IntentFilter(request.GET)
    state = typed(form)["state"]
    found = desk.intents().filter(state=state) if state else desk.intents()
    context = paged(request, found)
    context |= {"form": form, "is_narrowed": bool(state), "rows": [_intent_row(each) for each in context["rows"]]}
    return private_page(request, "billing/desk/intents.html", context)
