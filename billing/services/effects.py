"""What follows from what was paid, and from what was not: the standing, the seats, and what an organization holds.

Everything that learns something new about a payment calls ``apply``, and it may be called at any time and any number of
times: it looks at what is, and brings about what ought to be.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from billing.models import Health, Intent, Subscription
from billing.selectors.buying import OPEN
from billing.selectors.entitlements import Entitlement, InUse, Source, entitlement, in_use
from billing.selectors.standings import taken_by_lapse
from billing.services import standing_mails
from billing.services.alerts import raise_alert, withdraw_alert
from billing.services.intents import end_intent
from billing.services.standings import judge_standing
from billing.standing import Evidence
from billing.vocabulary import IntentState
from namespaces.models import Grant
from namespaces.services.held import activate_held
from namespaces.services.lifecycle import can, end_lapse, lock_namespace, reinstate_namespace
from namespaces.services.locks import lock_names
from namespaces.states import Action, GrantState, LockCause
from orgs.actors import Actor
from orgs.lifecycle import Action as OfOrganization
from orgs.models import Organization
from orgs.services import staff
from orgs.services.organizations import locked_organization
from orgs.vocabulary import Kind, Standing, State

PAID, PROMISED = "It has paid.", "Staff granted it by hand until it pays."
LAPSED = "Nothing was paid for it, and the time of grace is over."


@transaction.atomic
def apply(*, actor: Actor, organization: Organization) -> Health | None:
    """Bring everything in line with what is known of its payments; its health. None of a closed one that never had any.

    Nobody is removed, and nothing that is in use is taken away, because fewer are paid: that is told to staff.
    """
    organization = locked_organization(organization)
    before = Health.objects.filter(organization=organization).first()
    if organization.state == State.CLOSED:
        return before
    was = Standing(organization.standing)
    health = judge_standing(actor=actor, organization=organization)
    organization.refresh_from_db(fields=["standing"])
    entitled = entitlement(organization)
    _set_seats(actor, organization, entitled, before)
    lock_names(*_about_to_change(organization))
    if organization.standing == Standing.LAPSED:
        lock_all(actor, organization)
    else:
        _unlock_all(actor, organization)
        _activate(actor, organization, entitled)
        _reinstate(actor, organization, entitled)
        activate_held(actor, organization)
    if settings.FREEHOLD_STRIPE.enabled:
        _report_excess(organization, entitled)
        standing_mails.tell_of_change(organization, health, was)
        standing_mails.tell_of_invoices(organization)
    return health


def follow_change_of_kind(actor: Actor, organization: Organization) -> None:
    """A company that becomes a community project owes nothing from now on. For ``orgs.hooks.on_activated``.

    What it pays for goes on until somebody ends it: whether money goes back is for people to say. What it was about to
    buy is not paid any more.
    """
    if organization.kind != Kind.COMMUNITY:
        return
    for intent in Intent.objects.filter(organization=organization, state__in=OPEN).select_related("organization"):
        end_intent(Actor.worker(), intent, IntentState.CANCELLED, _("Community projects pay nothing."))
    if not Health.objects.filter(organization=organization).exists():
        return
    apply(actor=Actor.worker(), organization=organization)
    if Subscription.objects.live().filter(organization=organization).exists():
        told = f"{organization.name} is a community project now, and still has a plan that it pays for."
        raise_alert(f"community-pays:{organization.pk}", told, organization)


# --- Seats ------------------------------------------------------------------------------------------------------------


def _set_seats(actor: Actor, organization: Organization, entitled: Entitlement, before: Health | None) -> None:
    """As many as are paid for. What is over leaves them as they were: then nothing is to be had any more anyway."""
    if (
        entitled.source is Source.COMMUNITY
        and before is not None
        and before.evidence != Evidence.COMMUNITY
        and Subscription.objects.filter(organization=organization).exists()
    ):
        wanted = None
    elif entitled.source in {Source.PAID, Source.BY_HAND}:
        wanted = None if entitled.seats is None else min(max(1, entitled.seats), staff.MOST_SEATS)
    else:
        return
    if organization.seats != wanted:
        organization.seats = staff.set_seats(actor=actor, organization=organization, seats=wanted).seats


def _report_excess(organization: Organization, entitled: Entitlement) -> None:
    """More in use than is paid for, such as after somebody lowered a quantity at Stripe."""
    key = f"over-limit:{organization.pk}"
    over = entitled.exceeding(in_use(organization)) if entitled.source is Source.PAID else InUse(0, 0)
    if any(over):
        told = f"{organization.name} has {over.seats} people and {over.roots} root namespaces more than it pays for."
        raise_alert(key, told, organization)
    else:
        withdraw_alert(key)


# --- What it holds ----------------------------------------------------------------------------------------------------


def _roots(organization: Organization) -> QuerySet[Grant]:
    return Grant.objects.holding().filter(owner=organization, root__isnull=True).order_by("created_at", "name")


def _about_to_change(organization: Organization) -> list[str]:
    """Those whose names have to be locked, all at once and before anything else; most often none."""
    roots = _roots(organization)
    if organization.standing == Standing.LAPSED:
        found = roots.filter(state__in=[GrantState.ACTIVE, GrantState.LOCKED]).exclude(locks__cause=LockCause.STANDING)
    else:
        found = roots.filter(Q(state=GrantState.HELD) | Q(locks__cause=LockCause.STANDING))
    return list(found.values_list("name", flat=True))


def lock_all(actor: Actor, organization: Organization) -> None:
    """What exists goes on, and nothing new is made there by anybody."""
    enforced = _roots(organization).filter(state__in=[GrantState.ACTIVE, GrantState.LOCKED])
    for grant in list(enforced.exclude(locks__cause=LockCause.STANDING)):
        lock_namespace(actor=actor, grant=grant, reason=LAPSED, cause=LockCause.STANDING)


def _unlock_all(actor: Actor, organization: Organization) -> None:
    for grant in list(_roots(organization).filter(state=GrantState.LOCKED, locks__cause=LockCause.STANDING)):
        end_lapse(actor, grant)


def _activate(actor: Actor, organization: Organization, entitled: Entitlement) -> None:
    """A company that has paid, or was promised time to, begins. Staff never suspended it then: it has only applied."""
    if not settings.FREEHOLD_STRIPE.enabled or entitled.source not in {Source.PAID, Source.BY_HAND}:
        return
    if organization.standing == Standing.GOOD and staff.can(OfOrganization.ACTIVATE, organization, actor):
        reason = PAID if entitled.source is Source.PAID else PROMISED
        organization.state = staff.activate_organization(actor=actor, organization=organization, reason=reason).state


def _reinstate(actor: Actor, organization: Organization, entitled: Entitlement) -> None:
    """Give back what the lapse took, as much as is paid for now."""
    for grant in list(taken_by_lapse(organization)):
        if entitled.roots is not None and in_use(organization).roots >= entitled.roots:
            return
        grant.owner = organization
        if can(Action.REINSTATE, grant, actor):
            reinstate_namespace(actor=actor, grant=grant)
