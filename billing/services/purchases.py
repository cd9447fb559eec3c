"""Buying by card: a purchase is a row with its terms frozen, and at most one is open for an organization.

Its ``key`` is the idempotency key of the checkout that Stripe makes for it, so that whoever opens it, in however many
windows and however often the connection breaks, comes to the same address. Nothing here believes what a browser brings
back: a purchase ends by what Stripe says of its checkout (``settle_session``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from billing import clock
from billing.gateway.objects import SessionObject
from billing.models import Intent, Plan, Subscription
from billing.selectors.buying import (
    NotSold,
    Use,
    currency_of,
    is_given_up,
    live_subscription,
    open_intent,
    plan_sold,
    reckon,
    use_of,
)
from billing.services import purchase_mails
from billing.services.alerts import raise_alert
from billing.services.checkout import open_checkout
from billing.services.intents import end_intent, facts, record
from billing.services.outbox import enqueue
from billing.sums import MOST_ROOTS, MOST_SEATS
from billing.tiers import Sum
from billing.vocabulary import CallKind, IntentState, Interval, Method, Tier
from freehold.errors import Invalid, NotPermitted
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization
from orgs.services.organizations import NotNow, locked_organization
from orgs.vocabulary import Kind, Permission, State

SESSION_LIFE = timedelta(hours=23)
"""Stripe keeps what a key brought for a day, and lets no checkout last longer."""
LEAST_LEFT = timedelta(minutes=45)
"""A checkout must have half an hour to live when it is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody chose. ``roots`` are all root namespaces, those that are included among them."""

    tier: Tier
    interval: Interval
    currency: str
    seats: int
    roots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """An order as it is sold: with the version of the plan, and what it comes to before tax."""

    order: Order
    plan: Plan
    roots: int
    sum: Sum

    def as_fields(self) -> dict[str, Any]:
        return {
            "plan": self.plan,
            "interval": self.order.interval,
            "currency": self.order.currency,
            "seats": self.order.seats,
            "roots": self.roots,
            "total": self.sum.total.amount,
        }


# --- Whether --------------------------------------------------------------------------------------------------------


def can_buy(organization: Organization, actor: Actor) -> Verdict:
    """Whether a plan can be bought now. What there is already is changed, and not bought a second time."""
    if not (verdict := may(actor, Permission.MANAGE_BILLING, organization)):
        return verdict
    if organization.kind != Kind.COMPANY:
        return Verdict(False, _("Community projects pay nothing: they have everything as it is."))
    if organization.state in {State.SUSPENDED, State.CLOSED}:
        return Verdict(False, _("“%(name)s” is %(state)s; a plan would bring it nothing.") % _names(organization))
    if (live := live_subscription(organization)) is not None:
        return Verdict(False, _why_not_again(live))
    return ALLOWED


def _names(organization: Organization) -> dict[str, str]:
    return {"name": organization.display_name, "state": str(organization.get_state_display()).lower()}


def _why_not_again(live: Subscription) -> str:
    if live.status in {"past_due", "unpaid", "incomplete", "paused"}:
        return _("There is a plan already that is not paid. Pay its open invoice, or end it and buy another.")
    return _("There is a plan already. Change its seats, its namespaces or its interval instead.")


def terms_of(order: Order, use: Use) -> Terms:
    """What the order comes to, for somebody who uses so much; raises ``Invalid`` with what to change."""
    if not 1 <= order.seats <= MOST_SEATS or not 0 <= order.roots <= MOST_ROOTS:
        raise Invalid(
            _("A plan has 1 to %(seats)s seats and up to %(roots)s namespaces. For more, ask us for a quote.")
            % {"seats": f"{MOST_SEATS:,}", "roots": f"{MOST_ROOTS:,}"}
        )
    plan = plan_sold(order.tier)
    if plan is None:
        raise Invalid(_("This plan can’t be bought here. Choose another, or write to us."))
    roots = max(order.roots, plan.roots_included)
    _demand_enough(order.seats, roots, use)
    try:
        found = reckon(plan, seats=order.seats, roots=roots, currency=order.currency, interval=order.interval)
    except NotSold as error:
        raise Invalid(_("We don’t sell in this currency. Choose another.")) from error
    return Terms(order=order, plan=plan, roots=roots, sum=found)


def _demand_enough(seats: int, roots: int, use: Use) -> None:
    if seats < use.seats:
        raise Invalid(
            _("%(count)s people are in the organization, so it needs at least as many seats.") % {"count": use.seats}
        )
    if roots < use.roots:
        raise Invalid(
            _("The organization holds %(count)s root namespaces, so it needs at least as many.") % {"count": use.roots}
        )


def demand_currency(organization: Organization, currency: str) -> None:
    """Stripe bills a customer in one currency, from the first invoice on."""
    known = currency_of(organization)
    if known not in {"", currency}:
        raise Invalid(
            _("Your invoices have been in %(currency)s, and go on in it: choose that. For another, write to us.")
            % {"currency": known.upper()}
        )


def demand_may_buy(actor: Actor, organization: Organization) -> None:
    """For whoever has locked the organization; raises ``NotPermitted`` or ``NotNow``."""
    if not (verdict := may(actor, Permission.MANAGE_BILLING, organization)):
        raise NotPermitted(verdict.reason)
    if not (verdict := can_buy(organization, actor)):
        raise NotNow(verdict.reason)


# --- Beginning ------------------------------------------------------------------------------------------------------


def begin_purchase(*, actor: Actor, organization: Organization, order: Order) -> Intent:
    """Begin to buy by card; the purchase, with the address at which it is paid.

    The same order again, by whomever, is the same purchase. Another order takes its place, and its page is closed.
    """
    return open_checkout(actor=actor, intent=_begun(actor, organization, order))


@transaction.atomic
def _begun(actor: Actor, organization: Organization, order: Order) -> Intent:
    organization = locked_organization(organization)
    demand_may_buy(actor, organization)
    demand_currency(organization, order.currency)
    terms = terms_of(order, use_of(organization))
    before = open_intent(organization)
    if before is not None and _is_same(before, terms):
        return before
    if before is not None:
        end_intent(actor, before, IntentState.CANCELLED, _("Another order took its place."))
    return _begin(actor, organization, terms)


def _is_same(intent: Intent, terms: Terms) -> bool:
    """Whether going on with it is what is asked for. One that is about to expire would not last to be paid."""
    fields = terms.as_fields()
    is_lasting = intent.expires_at - clock.now() > LEAST_LEFT
    return is_lasting and intent.method == Method.CARD and all(getattr(intent, name) == fields[name] for name in fields)


def _begin(actor: Actor, organization: Organization, terms: Terms) -> Intent:
    now = clock.now()
    intent = Intent.objects.create(
        organization=organization,
        requested_by=person_of(actor),
        method=Method.CARD,
        expires_at=(now + SESSION_LIFE).replace(microsecond=0),
        **terms.as_fields(),
    )
    record(actor, "purchase.begun", intent, after=facts(intent))
    return intent


def person_of(actor: Actor) -> User:
    if actor.user is None:
        raise NotPermitted(_("A plan is bought by a person."))
    return actor.user


# --- Ending ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def drop_purchase(*, actor: Actor, intent: Intent) -> Intent:
    """Buy it after all not. What was paid in the meantime stays paid."""
    organization = locked_organization(intent.organization)
    intent = Intent.objects.get(pk=intent.pk)
    if not (verdict := may(actor, Permission.MANAGE_BILLING, organization)):
        raise NotPermitted(verdict.reason)
    if not (verdict := can_drop(intent)):
        raise NotNow(verdict.reason)
    return end_intent(actor, intent, IntentState.CANCELLED, _("It was dropped."))


def can_drop(intent: Intent) -> Verdict:
    if intent.state not in {IntentState.QUOTED, IntentState.OPEN}:
        return Verdict(False, _("This purchase has ended already."))
    if intent.state == IntentState.OPEN and intent.method == Method.INVOICE and not is_given_up(intent):
        return Verdict(False, _("It is ordered. End the plan instead, once its invoice has come."))
    return ALLOWED


def expire_purchases(*, actor: Actor, limit: int = 500) -> int:
    """End what nobody went on with: quotes past their day, and purchases that never came to a page. How many.

    One that has a page is asked about at Stripe, and not ended by our clock: it may have been paid at the last moment.
    """
    due = Intent.objects.filter(state__in=[IntentState.QUOTED, IntentState.OPEN], expires_at__lte=clock.now())
    due = due.filter(session="").exclude(method=Method.INVOICE, state=IntentState.OPEN)
    return sum(_expire(actor, pk) for pk in due.order_by("pk").values_list("pk", flat=True)[:limit])


@transaction.atomic
def _expire(actor: Actor, pk: int) -> bool:
    intent = Intent.objects.select_related("organization").get(pk=pk)
    locked_organization(intent.organization)
    intent.refresh_from_db()
    if intent.state not in {IntentState.QUOTED, IntentState.OPEN} or intent.session:
        return False
    end_intent(actor, intent, IntentState.EXPIRED, _("Nobody went on with it in time."))
    return True


# --- What Stripe says of a checkout -----------------------------------------------------------------------------------


@transaction.atomic
def settle_session(*, actor: Actor, session: SessionObject) -> Intent | None:
    """Make a purchase what its checkout is at Stripe: paid for, expired, or open still. None for no checkout of ours.

    The subscription that came of it has been synced before, if there is one. However often and by whomever this is
    called, one purchase ends once, with one mail.
    """
    intent = intent_of(session)
    if intent is None:
        return None
    locked_organization(intent.organization)
    intent = Intent.objects.select_related("plan", "organization", "customer").get(pk=intent.pk)
    if intent.customer is None or intent.customer.stripe_id != session.customer:
        raise_alert(
            f"session-customer:{session.id}",
            f"The checkout {session.id} says that it is of purchase {intent.pk}, and has another customer.",
            intent.organization,
        )
        return None
    if session.status == "complete" and session.subscription:
        return _complete(actor, intent, session)
    if session.status == "expired" and intent.state == IntentState.OPEN:
        return end_intent(actor, intent, IntentState.EXPIRED, _("It was not paid in time."))
    return intent


def intent_of(session: SessionObject) -> Intent | None:
    """By the session that we kept, or by the key that we sent, should we have died before we kept it."""
    found = Intent.objects.select_related("organization")
    if (kept := found.filter(session=session.id).first()) is not None:
        return kept
    key = session.metadata.get("freehold_intent", "")
    return next((one for one in found.filter(session="", method=Method.CARD) if str(one.key) == key), None)


def _complete(actor: Actor, intent: Intent, session: SessionObject) -> Intent:
    """Also one that was dropped: it was paid all the same. Of two that were paid the later one is given back."""
    if intent.state in {IntentState.COMPLETED, IntentState.REVERSED}:
        return intent
    intent.session, intent.subscription = session.id, session.subscription
    intent.save(update_fields=["session", "subscription"])
    if intent.organization.state == State.CLOSED:
        return _reverse_closed(actor, intent)
    if (other := _other_live(intent)) is not None:
        return _reverse(actor, intent, other)
    end_intent(actor, intent, IntentState.COMPLETED, "")
    still_open = open_intent(intent.organization)
    if still_open is not None:
        end_intent(actor, still_open, IntentState.CANCELLED, _("Another purchase was paid."))
    purchase_mails.tell_bought(intent, is_paid=session.payment_status != "unpaid")
    if intent.organization.kind == Kind.COMMUNITY:
        told = f"{intent.organization.name} paid for a plan as it became a community project."
        raise_alert(f"community-pays:{intent.organization_id}", told, intent.organization)
    return intent


def _other_live(intent: Intent) -> Subscription | None:
    """What is being given back counts for nothing: else each of two would be given back for the other."""
    found = Subscription.objects.live().filter(organization=intent.organization)
    given_back = Intent.objects.filter(organization=intent.organization, state=IntentState.REVERSED)
    found = found.exclude(stripe_id__in=given_back.values("subscription"))
    return found.exclude(stripe_id=intent.subscription).order_by("pk").first()


def _reverse(actor: Actor, intent: Intent, other: Subscription) -> Intent:
    """Bought twice: the second is cancelled at once, and all that was paid for it goes back."""
    _give_all_back(intent)
    raise_alert(
        f"bought-twice:{intent.subscription}",
        f"{intent.organization.name} bought twice: {other.stripe_id} stays, {intent.subscription} is given back.",
        intent.organization,
    )
    purchase_mails.tell_bought_twice(intent)
    return end_intent(actor, intent, IntentState.REVERSED, _("There was a plan already; this one is given back."))


def _reverse_closed(actor: Actor, intent: Intent) -> Intent:
    """Paid on a page that was open still when the organization was closed: nobody is left who could end it."""
    _give_all_back(intent)
    text = f"{intent.organization.name} was closed and paid after that: {intent.subscription} is given back."
    raise_alert(f"bought-closed:{intent.subscription}", text, intent.organization)
    return end_intent(actor, intent, IntentState.REVERSED, _("The organization was closed."))


def _give_all_back(intent: Intent) -> None:
    enqueue(
        kind=CallKind.CANCEL_NOW,
        organization=intent.organization,
        topic=intent.subscription,
        arguments={"subscription": intent.subscription, "give_back": "all"},
    )
