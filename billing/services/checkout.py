"""The page at Stripe on which a purchase is paid: made once for each purchase, however often it is asked for."""

from __future__ import annotations

from contextlib import suppress

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from billing.gateway.calls import gateway
from billing.gateway.errors import GatewayError, NotThere, Refused
from billing.gateway.objects import SessionObject
from billing.gateway.orders import Line, SessionOrder
from billing.models import Customer, Intent
from billing.selectors.buying import NotSold, price_of
from billing.services import customers
from billing.services.alerts import raise_alert
from billing.services.intents import close_page, end_intent
from billing.services.looks import wait_for_turn
from billing.sums import MOST_SEATS
from billing.vocabulary import IntentState, Interval, Item, Method
from freehold.errors import DomainError, NotPermitted
from orgs.actors import Actor, may
from orgs.services.notices import site_url
from orgs.services.organizations import locked_organization
from orgs.vocabulary import Permission

INTENT = "freehold_intent"
"""What a checkout and a subscription are marked with, so that the order is found that they are of."""


class PaymentPageFailed(DomainError):
    """Stripe did not open its page; nothing was charged, and the same button does it again."""

    code = "payment-page-failed"
    status = 503


def open_checkout(*, actor: Actor, intent: Intent) -> Intent:
    """Have Stripe make the page on which it is paid, unless it has one. Called again, after whatever went wrong on the
    way, it comes to the same page: the key is the same, and so is all that is sent."""
    intent = Intent.objects.select_related("plan", "organization").get(pk=intent.pk)
    if intent.url:
        return intent
    if not (verdict := may(actor, Permission.MANAGE_BILLING, intent.organization)):
        raise NotPermitted(verdict.reason)
    try:
        customer = intent.customer or _customer_for(actor, intent)
        return _made(actor, intent, customer)
    except NotThere as error:
        _forget_customer(actor, intent)
        raise PaymentPageFailed(_("Stripe has forgotten who you are. Press the button again, please.")) from error
    except Refused as error:
        raise_alert(f"checkout:{intent.pk}", f"Stripe refuses a checkout: {error.message}", intent.organization)
        raise PaymentPageFailed(_("The payment page can’t be opened. We were told, and look into it.")) from error
    except GatewayError as error:
        raise PaymentPageFailed(_("Stripe does not answer just now. Nothing was charged; try again.")) from error


@transaction.atomic
def _made(actor: Actor, intent: Intent, customer: Customer) -> Intent:
    """Whoever presses the button at the same moment waits here: Stripe refuses a key that is in use."""
    wait_for_turn(f"intent {intent.pk}")
    intent = Intent.objects.select_related("plan", "organization").get(pk=intent.pk)
    if intent.url:
        return intent
    session = gateway().create_session(str(intent.key), _session_order(intent, customer))
    return _keep(actor, intent, session)


def _customer_for(actor: Actor, intent: Intent) -> Customer:
    """Kept before the session is asked for: the same key must come with the same customer."""
    customer = customers.ensure_customer(actor=actor, organization=intent.organization)
    kept = Intent.objects.filter(pk=intent.pk, customer__isnull=True).update(customer=customer)
    if not kept:
        intent.refresh_from_db(fields=["customer"])
    return intent.customer or customer


def _forget_customer(actor: Actor, intent: Intent) -> None:
    """Deleted at Stripe: we learn that now, and a purchase of its own, with a key of its own, begins with another."""
    if intent.customer is not None:
        customers.sync_customer(intent.customer.stripe_id)
    with transaction.atomic():
        locked_organization(intent.organization)
        end_intent(actor, Intent.objects.get(pk=intent.pk), IntentState.CANCELLED, _("Stripe knew no such customer."))


def _session_order(intent: Intent, customer: Customer) -> SessionOrder:
    name = intent.organization.name
    back = site_url("organization-plan-return", name)
    return SessionOrder(
        customer=customer.stripe_id,
        lines=lines_of(intent),
        success_url=f"{back}?session={{CHECKOUT_SESSION_ID}}",
        cancel_url=site_url("organization-plan-cancelled", name),
        client_reference_id=str(intent.key),
        metadata=metadata_of(intent),
        expires_at=intent.expires_at,
        automatic_tax=settings.FREEHOLD_STRIPE.automatic_tax,
    )


def metadata_of(intent: Intent) -> dict[str, str]:
    """What tells our subscriptions from others' on the same account, and whose they are."""
    return {**customers.metadata_of(intent.organization), INTENT: str(intent.key)}


def lines_of(intent: Intent) -> tuple[Line, ...]:
    """At which price how many. At the checkout seats may be added, not taken away."""
    interval = Interval(intent.interval)
    seat = price_of(intent.plan, Item.SEAT, intent.currency, interval)
    lines = [Line(price=seat.stripe_id, quantity=intent.seats, minimum=intent.seats, maximum=_most(intent))]
    if (roots := intent.roots - intent.plan.roots_included) > 0:
        root = price_of(intent.plan, Item.ROOT, intent.currency, interval)
        lines.append(Line(price=root.stripe_id, quantity=roots))
    with suppress(NotSold):  # where what is served is not billed
        lines.append(Line(price=price_of(intent.plan, Item.SERVED, intent.currency, interval).stripe_id, quantity=None))
    return tuple(lines)


def _most(intent: Intent) -> int:
    return MOST_SEATS if intent.method == Method.CARD else 0


@transaction.atomic
def _keep(actor: Actor, intent: Intent, session: SessionObject) -> Intent:
    """Its page, if it is still wanted: meanwhile another order may have taken its place."""
    locked_organization(intent.organization)
    intent = Intent.objects.select_related("plan", "organization").get(pk=intent.pk)
    if intent.state == IntentState.OPEN and not intent.session:
        intent.session, intent.url = session.id, session.url
        intent.save(update_fields=["session", "url"])
    elif intent.state != IntentState.OPEN and not intent.session:
        intent.session = session.id
        intent.save(update_fields=["session"])
        close_page(intent)
    return intent
