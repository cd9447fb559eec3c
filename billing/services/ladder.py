"""The way down for who does not pay: what comes by time alone, each step after its warnings (DESIGN section 9).

The sweep takes ids first, then follows one organization after the other, each locked and judged anew. Before a step
down Stripe is asked once more: what was paid a minute ago counts. Nothing is ever opened to others by itself: that the
quarantine of what a lapse took ends, a person of the staff confirms.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.models import Mail
from billing import clock
from billing.gateway.errors import GatewayError
from billing.models import LIVE, Customer, Health, Subscription
from billing.selectors.entitlements import BECAME_COMPANY
from billing.selectors.standings import taken_by_lapse
from billing.services import standing_mails
from billing.services.alerts import raise_alert, withdraw_alert
from billing.services.effects import apply
from billing.services.standings import ENDED, FRESH
from billing.services.syncing import sync_organization, sync_subscription
from billing.standing import LOCKED, QUARANTINE, Evidence, Step
from freehold.errors import Invalid, NotPermitted
from namespaces.models import CaseDecision, Grant
from namespaces.services.lifecycle import end_quarantine, quarantine_namespace
from namespaces.services.locks import lock_names
from namespaces.states import GrantState, LockCause
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict
from orgs.models import Organization
from orgs.services.organizations import NotNow, locked_organization
from orgs.vocabulary import Kind, Standing, State

WARNINGS = (timedelta(days=14), timedelta(days=7), timedelta(days=1))
"""How long before a step people are told of it. One that would come at the very beginning is left out."""
ENDING = (timedelta(days=7), timedelta(days=1))
"""The same for a plan that was cancelled."""
JUST_ASKED = timedelta(minutes=10)
MOST, RUN_SECONDS = 1000, 45.0
REASON_LENGTH = 300
TAKEN = "Nothing was paid for it for a long time."

log = structlog.get_logger(__name__)


# --- The sweep --------------------------------------------------------------------------------------------------------


def sweep() -> int:
    """Follow all of whom something may be due, those first who were not looked at for longest; how many."""
    end, done = time.monotonic() + RUN_SECONDS, 0
    for pk in due():
        if time.monotonic() > end:
            break
        try:
            follow(actor=Actor.worker(), organization=Organization.objects.get(pk=pk))
            done += 1
        except Exception:
            log.exception("billing.ladder_failed", organization=pk)
    return done


def due() -> Sequence[int]:
    """Organizations that owe something, or soon have nothing any more, or were never judged since they began to pay, or
    of which too little was known to say that it got worse."""
    now = clock.now()
    live = Q(subscriptions__status__in=LIVE)
    owes = live & Q(subscriptions__unpaid_since__lte=now)
    ends = live & Q(subscriptions__ends_at__lte=now + max(ENDING))
    ended = Q(allowances__until__lte=now, allowances__until__gt=F("health__judged_at"))
    unseen = Q(health__isnull=True) & (Q(subscriptions__isnull=False) | Q(allowances__approved_by__isnull=False))
    down = Q(health__isnull=False) & ~Q(health__standing=Standing.GOOD) | Q(health__until__lte=now)
    down |= Q(health__evidence=Evidence.UNCLEAR)
    changed = Q(pk__in=_became_companies())
    found = Organization.objects.exclude(state=State.CLOSED).filter(owes | ends | ended | unseen | down | changed)
    order = F("health__judged_at").asc(nulls_first=True)
    return list(dict.fromkeys(found.order_by(order, "pk").values_list("pk", flat=True)))[:MOST]


def _became_companies() -> QuerySet[CaseDecision, int]:
    """Those that nobody judged since they were community projects."""
    judged = Q(case__organization__health__judged_at__gt=F("effective_at"))
    found = CaseDecision.objects.filter(case__organization__kind=Kind.COMPANY, **BECAME_COMPANY).exclude(judged)
    return found.values_list("case__organization", flat=True)


def follow(*, actor: Actor, organization: Organization) -> Health | None:
    """Judge it by what Stripe says now, warn of what is near, and take the step that is due; its health."""
    is_on = settings.FREEHOLD_STRIPE.enabled
    if is_on:
        _ask_again(actor, organization)
    health = apply(actor=actor, organization=organization)
    if health is None or organization.state == State.CLOSED or not is_on:
        return health
    return _step(organization)


def _ask_again(actor: Actor, organization: Organization) -> None:
    """Unless everything was compared of late and nothing gets worse by now. Without an answer nothing does."""
    is_due = Health.objects.filter(organization=organization, until__lte=clock.now()).exists()
    before = timezone.now() - (JUST_ASKED if is_due else FRESH)
    try:
        if _may_have_bought(organization, before, is_due=is_due):
            sync_organization(actor=actor, organization=organization)
    except GatewayError as error:
        log.warning("billing.ladder_without_answer", organization=organization.name, error=error.message)
    alive = Subscription.objects.filter(organization=organization, synced_at__lt=before)
    for stripe_id in list(alive.exclude(status__in=ENDED).values_list("stripe_id", flat=True)):
        try:
            sync_subscription(stripe_id, actor=actor)
        except GatewayError as error:
            log.warning("billing.ladder_without_answer", organization=organization.name, error=error.message)


def _may_have_bought(organization: Organization, before: datetime, *, is_due: bool) -> bool:
    """Whether it gets worse, and Stripe may have a subscription of which no event told us."""
    unclear = Health.objects.filter(organization=organization, evidence=Evidence.UNCLEAR)
    buyers = Customer.objects.filter(organization=organization, deleted_at=None, compared_at__lt=before)
    return (is_due or unclear.exists()) and buyers.exists()


# --- Steps ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def _step(organization: Organization) -> Health:
    organization = locked_organization(organization)
    health = Health.objects.select_for_update().get(organization=organization)
    _warn_of_ends(organization)
    if organization.standing == Standing.GRACE and health.until is not None:
        _warn(organization, health, "lock", health.until)
    elif organization.standing == Standing.LAPSED and health.step != Step.NOTHING:
        _go_down(organization, health)
    _say_what_waits(organization, health)
    return health


def _go_down(organization: Organization, health: Health) -> None:
    """What is locked goes into quarantine when its time has come and people were told; what is there, waits."""
    at = health.since + LOCKED
    if locked_for_it(organization):
        is_over = health.step in {Step.QUARANTINE, Step.RELEASE}
        if is_over and was_warned(organization, "quarantine", at):
            quarantine_all(organization, health)
        else:
            _warn(organization, health, "quarantine", at)
    elif taken_by_lapse(organization).exists() and health.step == Step.QUARANTINE:
        _warn(organization, health, "release", at + QUARANTINE)


def locked_for_it(organization: Organization) -> list[Grant]:
    """Its roots that are locked for the lapse and nothing else: what staff or a report locked, they decide about."""
    locked = Grant.objects.filter(owner=organization, root__isnull=True, state=GrantState.LOCKED)
    locked = locked.filter(locks__cause=LockCause.STANDING).order_by("created_at", "name")
    return list(locked.exclude(locks__cause__in=[LockCause.STAFF, LockCause.DISPUTE]))


def quarantine_all(organization: Organization, health: Health) -> None:
    """It is time that takes it, whoever made us look: what people take is not given back for a payment."""
    taken = locked_for_it(organization)
    lock_names(*(grant.name for grant in taken))
    for grant in taken:
        quarantine_namespace(actor=Actor.worker(), grant=grant, reason=TAKEN)
    standing_mails.tell_of_quarantine(organization, health, [grant.name for grant in taken])


def _warn(organization: Organization, health: Health, step: str, at: datetime) -> None:
    """Send the latest warning whose time has come, if it was not sent; a late one gives the time that it promised."""
    now, whole = clock.now(), at - health.since
    notice = min((one for one in WARNINGS if one < whole and now >= at - one), default=None)
    if notice is None:
        return
    key = standing_mails.step_key(organization, step, at, notice.days)
    if health.warned != key:
        until = max(at, now + min(WARNINGS)) if step == "quarantine" else at
        standing_mails.warn_of_step(organization, step, at, until, notice.days)
        health.warned = key
        health.save(update_fields=["warned"])


def was_warned(organization: Organization, step: str, at: datetime) -> bool:
    """Whether the last warning is as old as it has to be, or nobody is there to be told. The outbox keeps all keys."""
    last = min(WARNINGS)
    key = standing_mails.step_key(organization, step, at, last.days)
    told_at = Mail.objects.filter(key__startswith=f"{key}:").order_by("created_at").values_list("created_at", flat=True)
    if (first := told_at.first()) is not None:
        return clock.now() >= first + last
    return not standing_mails.payers(organization)


def _warn_of_ends(organization: Organization) -> None:
    now = clock.now()
    for row in Subscription.objects.live().filter(organization=organization, ends_at__gt=now):
        assert row.ends_at is not None, "it was filtered by it"
        notice = min((one for one in ENDING if now >= row.ends_at - one), default=None)
        if notice is not None:
            standing_mails.warn_of_end(row, row.ends_at, notice.days)


# --- The end ----------------------------------------------------------------------------------------------------------


def _say_what_waits(organization: Organization, health: Health) -> None:
    key = f"release-due:{organization.pk}"
    if health.step == Step.RELEASE and taken_by_lapse(organization).exists():
        raise_alert(
            key, f"What {organization.name} held may be opened to everybody; somebody has to say so.", organization
        )
    else:
        withdraw_alert(key)


def can_confirm_release(organization: Organization, actor: Actor) -> Verdict:
    """Whether what the lapse took may be opened to everybody now. A machine never may say so."""
    if not actor.is_operator or actor.is_machine:
        return Verdict(False, "Only people of the staff open a namespace to everybody.")
    health = Health.objects.filter(organization=organization).first()
    if health is None or organization.standing != Standing.LAPSED or health.step != Step.RELEASE:
        return Verdict(False, f"{organization.name!r} has not come to the end of its quarantine, or has paid.")
    if not taken_by_lapse(organization).exists():
        return Verdict(False, f"Nothing of {organization.name!r} is in quarantine because of what it owes.")
    return ALLOWED


@transaction.atomic
def confirm_release(*, actor: Actor, organization: Organization, reason: str) -> list[Grant]:
    """Open to everybody what the lapse took, at the end of the ladder; what was opened."""
    if not actor.is_operator or actor.is_machine:
        raise NotPermitted("Only people of the staff open a namespace to everybody.")
    reason = " ".join(reason.split())
    if not reason or len(reason) > REASON_LENGTH or not reason.isprintable():
        raise Invalid(f"Say why, in at most {REASON_LENGTH} printable characters.")
    apply(actor=actor, organization=organization)
    organization = locked_organization(organization)
    if not (verdict := can_confirm_release(organization, actor)):
        raise NotNow(verdict.reason)
    taken = list(taken_by_lapse(organization))
    opened = [end_quarantine(actor=actor, grant=grant, reason=reason) for grant in taken]
    Health.objects.filter(organization=organization).update(release_confirmed_by=actor.label)
    withdraw_alert(f"release-due:{organization.pk}")
    audit.record(
        actor,
        "organization.released",
        f"organization {organization.name}",
        organization=organization.name,
        after={"namespaces": [grant.name for grant in opened], "reason": reason},
    )
    return opened
