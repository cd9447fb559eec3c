"""Ending a plan: at the end of what is paid, taken back until then, or at once where the organization is closed."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import clock
from billing.models import Call, Customer, Intent, Subscription, Wanted
from billing.selectors.buying import OPEN, live_subscription, unpaid_invoices
from billing.selectors.quantities import CHANGING
from billing.services import leases, purchase_mails
from billing.services.alerts import raise_alert
from billing.services.intents import end_intent
from billing.services.outbox import enqueue
from billing.vocabulary import CallKind, IntentState, JobState
from freehold.errors import NotPermitted
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Membership, Organization
from orgs.services.organizations import NotNow, locked_organization
from orgs.vocabulary import Permission, Role, State


@transaction.atomic
def end_plan(*, actor: Actor, organization: Organization) -> Subscription:
    """Let it run out: everything stays as it is until the end of what is paid, and nothing more is charged.

    One of which nothing is paid, and nothing can be, ends at once, so that another can be bought.
    """
    organization = locked_organization(organization)
    live = _live(actor, organization)
    if not (verdict := can_end(live)):
        raise NotNow(verdict.reason)
    _forget(organization, CallKind.RESUME, *CHANGING)
    Wanted.objects.filter(organization=organization, due_at=None).update(plan=None, interval="")
    if is_dead(live):
        _enqueue(CallKind.CANCEL_NOW, live, give_back="nothing")
        _record(actor, "plan.cancelled", live)
        return live
    _enqueue(CallKind.CANCEL, live)
    _record(actor, "plan.ends", live)
    if (ends_at := live.period_end) is not None:
        purchase_mails.tell_ending(organization, ends_at, actor.label)
    return live


def is_dead(live: Subscription) -> bool:
    """Stripe asks for no more payments, and there is no invoice by which it could be brought back."""
    return live.status in {"unpaid", "paused"} and not unpaid_invoices(live.organization)


def can_end(live: Subscription | None) -> Verdict:
    """Whether there is something to end, and it does not end already."""
    if live is None:
        return Verdict(False, _("There is no plan to end."))
    if is_ending(live) or _waits(live, CallKind.CANCEL_NOW):
        return Verdict(False, _("The plan ends already; you can take that back."))
    return ALLOWED


@transaction.atomic
def take_back(*, actor: Actor, organization: Organization) -> Subscription:
    """Let it go on after all, whichever way its end was set."""
    organization = locked_organization(organization)
    live = _live(actor, organization)
    if not (verdict := can_take_back(live)):
        raise NotNow(verdict.reason)
    _forget(organization, CallKind.CANCEL)
    _enqueue(CallKind.RESUME, live)
    _record(actor, "plan.goes_on", live)
    purchase_mails.tell_going_on(organization, actor.label)
    return live


def can_take_back(live: Subscription | None) -> Verdict:
    if live is None:
        return Verdict(False, _("There is no plan that could go on; buy one again."))
    if not is_ending(live):
        return Verdict(False, _("The plan goes on as it is."))
    return ALLOWED


def is_ending(live: Subscription) -> bool:
    """Whether it ends, or is about to be told so. What was wanted last counts at once, though Stripe may hear of it
    later."""
    wishes = _waiting(live).filter(kind__in=[CallKind.CANCEL, CallKind.RESUME]).order_by("pk")
    last = wishes.last()
    return live.ends_at is not None if last is None else last.kind == CallKind.CANCEL


def _live(actor: Actor, organization: Organization) -> Subscription:
    if not (verdict := may(actor, Permission.MANAGE_BILLING, organization)):
        raise NotPermitted(verdict.reason)
    live = live_subscription(organization)
    if live is None:
        raise NotNow(_("There is no plan to end."))
    return live


def _waits(live: Subscription, kind: CallKind) -> bool:
    return _waiting(live).filter(kind=kind).exists()


def _waiting(live: Subscription) -> QuerySet[Call]:
    return Call.objects.filter(organization=live.organization_id, topic=live.stripe_id, state=JobState.PENDING)


def _forget(organization: Organization, *kinds: CallKind) -> None:
    """What was wanted before and is not any more, nor keeps what follows waiting. What a worker has in hand stays, and
    what follows comes after it: gone from the queue, it could be done after that, and undo it."""
    waiting = Call.objects.filter(leases.is_free(timezone.now()), organization=organization, kind__in=kinds)
    waiting.delete()


def _enqueue(kind: CallKind, live: Subscription, **more: str) -> None:
    arguments = {"subscription": live.stripe_id, **more}
    enqueue(kind=kind, organization=live.organization, topic=live.stripe_id, arguments=arguments)


# --- Without anybody left ---------------------------------------------------------------------------------------------


def end_of_closed(actor: Actor, organization: Organization) -> None:
    """The organization is being closed: its plan ends at once, what is left of the period is given back, and nothing
    that is not paid is asked for any more. For ``orgs.hooks.on_closing``, under its lock."""
    for intent in Intent.objects.filter(organization=organization, state__in=OPEN).select_related("organization"):
        end_intent(actor, intent, IntentState.CANCELLED, _("The organization was closed."))
    _forget(organization, *CHANGING, CallKind.CANCEL, CallKind.RESUME)
    for live in Subscription.objects.live().filter(organization=organization).select_related("organization"):
        _enqueue(CallKind.CANCEL_NOW, live, give_back="rest", at=clock.now().isoformat())
        _record(actor, "plan.cancelled", live)
        text = f"{organization.name} was closed; its subscription {live.stripe_id} is cancelled, the rest given back."
        raise_alert(f"closed-with-plan:{live.stripe_id}", text, organization)
    for customer in Customer.objects.filter(organization=organization, balance__lt=0):
        text = f"{organization.name} was closed, and has credit at Stripe, which it paid for: {customer.stripe_id}."
        raise_alert(f"closed-with-credit:{customer.stripe_id}", text, organization)


def warn_of_closing(organization: Organization) -> str:
    """Why it can't be closed yet: an order whose invoice is still being made would outlive it."""
    waiting = Call.objects.filter(organization=organization, kind=CallKind.OPEN_INVOICED, state=JobState.PENDING)
    return _("An order is on its way to Stripe; try again in a minute.") if waiting.exists() else ""


def end_abandoned(*, actor: Actor) -> int:
    """End, with their period, plans of organizations in which nobody is left who could: no owner can sign in any more.
    How many. Staff is told."""
    owners = Membership.objects.filter(organization=OuterRef("organization"), role=Role.OWNER, user__is_active=True)
    abandoned = Subscription.objects.live().filter(~Exists(owners), ends_at__isnull=True)
    abandoned = abandoned.exclude(organization__state=State.CLOSED)
    return sum(_end_abandoned(actor, pk) for pk in list(abandoned.values_list("pk", flat=True)))


@transaction.atomic
def _end_abandoned(actor: Actor, pk: int) -> bool:
    live = Subscription.objects.select_related("organization").get(pk=pk)
    organization = locked_organization(live.organization)
    owners = organization.memberships.filter(role=Role.OWNER, user__is_active=True)
    if owners.exists() or is_ending(live):
        return False
    _enqueue(CallKind.CANCEL, live)
    _record(actor, "plan.ends", live)
    text = f"{organization.name} has no owner who can sign in; its subscription {live.stripe_id} ends with its period."
    raise_alert(f"abandoned-plan:{live.stripe_id}", text, organization)
    return True


def _record(actor: Actor, action: str, live: Subscription) -> None:
    name = live.organization.name
    ends = live.ends_at or live.period_end
    after = {"subscription": live.stripe_id, "ends": f"{ends:%Y-%m-%d}" if ends else ""}
    audit.record(actor, action, f"plan of {name}", organization=name, after=after)
