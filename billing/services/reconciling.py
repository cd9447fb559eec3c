"""Comparing ourselves with Stripe, for events that got lost or were never made: what differs is repaired and told.

Each hour what changed lately, by Stripe's own list of events, and what is open here; each night everything. Nothing is
ever written to Stripe: where it has what nobody here wanted, staff is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.gateway import event_types
from billing.gateway.calls import gateway
from billing.gateway.errors import NotThere
from billing.gateway.objects import EventObject
from billing.models import (
    Call,
    Customer,
    Drift,
    Event,
    Intent,
    Invoice,
    Reconciliation,
    Subscription,
    Wanted,
)
from billing.selectors import quantities
from billing.selectors.quantities import Counts, Sheet
from billing.services import inbox, leases, outages, syncing
from billing.services.alerts import raise_alert, withdraw_alert
from billing.services.comparing import differences, facts_of, row_of
from billing.services.customers import SITE, site
from billing.services.locks import Lock, alone
from billing.services.standings import ENDED
from billing.vocabulary import IntentState, Item, JobState
from freehold.errors import DomainError
from orgs.models import Organization

LATELY, EVERYTHING = "lately", "everything"
KEPT = timedelta(days=29)
"""So far back Stripe tells of events, with a day to spare."""
OVERLAP = timedelta(minutes=30)
ON_ITS_WAY = timedelta(minutes=5)
"""So long an event may take without being called lost."""
RECENT = timedelta(days=40)
"""Money objects that are no older than this are looked at each night."""

Subject = tuple[str, str]
"""Type and id of an object of Stripe's."""

log = structlog.get_logger(__name__)


class ReconciliationRunning(DomainError):
    code = "reconciliation-running"


@dataclass
class _Run:
    """A comparison under way. ``on_its_way`` is what events that may still come are about: that is no drift; ``buyers``
    are the customers of Stripe's subscriptions, and ``left_out`` is what was not looked at."""

    row: Reconciliation
    on_its_way: set[Subject] = field(default_factory=set)
    done: set[Subject] = field(default_factory=set)
    buyers: dict[Subject, str] = field(default_factory=dict)
    left_out: set[Subject] = field(default_factory=set)

    def drift(self, subject: Subject, name: str, ours: str, theirs: str, *, repaired: bool) -> None:
        Drift.objects.create(
            run=self.row,
            organization=_organization_of(*subject),
            object_type=subject[0],
            object_id=subject[1],
            field=name[:60],
            ours=ours,
            theirs=theirs,
            repaired=repaired,
        )
        self.row.repaired += repaired
        self.row.open += not repaired


def reconcile(*, kind: str) -> Reconciliation:
    """Compare, repair and report. One that Stripe's outage breaks off says so and has no end; the next one begins where
    the last one that ended began. Raises ``ReconciliationRunning``."""
    with alone(Lock.RECONCILIATION) as is_alone:
        if not is_alone:
            raise ReconciliationRunning(_("Another comparison with Stripe is running."))
        since = _last_begun()
        run = _Run(Reconciliation.objects.create(kind=kind))
        try:
            _compare_all(run, since)
            run.row.ended_at = timezone.now()
        except Exception as error:
            run.row.error = leases.said(error)[:500]
            if not outages.is_outage(error):
                raise
            outages.note_outage(error, run.row.started_at)
        finally:
            run.row.save()
    return run.row


def _last_begun() -> datetime:
    oldest = timezone.now() - KEPT
    ended = Reconciliation.objects.filter(kind__in=(LATELY, EVERYTHING), ended_at__isnull=False).order_by("-started_at")
    last = ended.values_list("started_at", flat=True).first()
    return max(oldest, last - OVERLAP) if last else oldest


def _compare_all(run: _Run, since: datetime) -> None:
    lost = list(_lost_events(run, since))
    for subject in lost:
        _compare(run, subject)
    subjects = _everything(run) if run.row.kind == EVERYTHING else _open_here()
    for subject in subjects:
        if _is_waiting(subject):
            run.left_out.add(subject)
        else:
            _compare(run, subject)
    if run.row.kind == EVERYTHING:
        _note_compared(run)
        _compare_wanted(run)


def _note_compared(run: _Run) -> None:
    """Of whom everything was seen. Not of those who may have bought something of which we know nothing yet."""
    new = {run.buyers[one] for one in run.left_out & run.buyers.keys() if row_of(*one) is None}
    seen = Customer.objects.filter(created_at__lte=run.row.started_at).exclude(stripe_id__in=new)
    seen.update(compared_at=run.row.started_at)


# --- Events that never came -------------------------------------------------------------------------------------------


def _lost_events(run: _Run, since: datetime) -> Iterator[Subject]:
    """Stored and told; what they are about is to be looked at."""
    recent = timezone.now() - ON_ITS_WAY
    for event in _unknown(gateway().events(since=since)):
        subject = event_types.subject(event.type, event.raw["data"]["object"])
        if not subject[1]:
            continue
        if event.created > recent:
            run.on_its_way.add(subject)
            continue
        inbox.store(event)
        run.drift(("event", event.id), "delivered", "", f"{event.type} {subject[1]}", repaired=True)
        yield subject


def _unknown(events: Iterable[EventObject]) -> Iterator[EventObject]:
    """Those that are not in our inbox, oldest first, so that what stands there is in some order."""
    listed = {event.id: event for event in events}
    known = set(Event.objects.filter(stripe_id__in=listed).values_list("stripe_id", flat=True))
    yield from (event for event in reversed(listed.values()) if event.id not in known)


# --- Objects ----------------------------------------------------------------------------------------------------------


def _open_here() -> Iterator[Subject]:
    """What should have moved on by itself, had everything been told to us, or may do so at any moment."""
    now = timezone.now()
    moving = ~Q(status="active") | Q(unpaid_since__isnull=False) | Q(pending_until__isnull=False)
    overdue = Q(period_end__lte=now) | Q(ends_at__lte=now)
    open_subscriptions = Subscription.objects.live().filter(moving | overdue)
    yield from (("subscription", one) for one in open_subscriptions.values_list("stripe_id", flat=True))
    invoices = Invoice.objects.filter(status__in=["draft", "open"])
    yield from (("invoice", one) for one in invoices.values_list("stripe_id", flat=True))
    intents = Intent.objects.filter(state=IntentState.OPEN).exclude(session="")
    yield from (("checkout.session", one) for one in intents.values_list("session", flat=True))


def _everything(run: _Run) -> Iterator[Subject]:
    """All that Stripe has and all that we have; of invoices and the like, those of the last weeks, and of customers
    too: one may have been made of which we never got the answer. A subscription that is over changes no more. What
    moved Stripe's balance is compared elsewhere, with the ledger."""
    asked, since = gateway(), timezone.now() - RECENT
    customers = Customer.objects.filter(is_current=True, deleted_at__isnull=True)
    yield from (("customer", one) for one in customers.values_list("stripe_id", flat=True))
    yield from (("customer", one.id) for one in asked.customers(since=since) if one.metadata.get(SITE) == site())
    over = set(Subscription.objects.filter(status__in=ENDED).values_list("stripe_id", "status"))
    run.buyers = {
        ("subscription", one.id): one.customer for one in asked.subscriptions() if (one.id, one.status) not in over
    }
    yield from run.buyers
    ours = Subscription.objects.live().values_list("stripe_id", flat=True)
    yield from (("subscription", one) for one in list(ours))
    yield from (("invoice", one.id) for one in asked.invoices(since=since))
    yield from _open_here()
    yield from (("credit_note", one.id) for one in asked.credit_notes(since=since))
    yield from (("refund", one.id) for one in asked.refunds(since=since))
    yield from (("dispute", one.id) for one in asked.disputes(since=since))


def _is_waiting(subject: Subject) -> bool:
    """Whether an event about it is in the inbox, which will bring us up to date by itself."""
    object_type, object_id = subject
    return Event.objects.filter(state=JobState.PENDING, object_type=object_type, object_id=object_id).exists()


def _compare(run: _Run, subject: Subject) -> None:
    """Look at it as an event would have done, and tell what that changed."""
    if subject in run.done:
        return
    run.done.add(subject)
    run.row.compared += 1
    before = facts_of(*subject)
    try:
        syncing.sync_object(*subject)
    except NotThere:
        run.drift(subject, "", "", _("Stripe has no such object."), repaired=False)
    except Exception as error:
        if outages.is_outage(error):
            raise
        log.exception("billing.reconciliation_failed", type=subject[0], id=subject[1])
        run.left_out.add(subject)
        run.drift(subject, "", "", leases.said(error), repaired=False)
    else:
        run.done |= _looked_at_with(subject)
        _report(run, subject, differences(before, facts_of(*subject)))


def _looked_at_with(subject: Subject) -> set[Subject]:
    """Those invoices of a subscription that were looked at together with it; each by itself would be looked at together
    with the subscription, and with all the others, once more."""
    object_type, object_id = subject
    if object_type != "subscription":
        return set()
    rows = Invoice.objects.filter(subscription__stripe_id=object_id)
    found = rows.filter(Q(status__in=syncing.OPEN) | Q(stripe_id=F("subscription__latest_invoice")))
    return {("invoice", one) for one in found.values_list("stripe_id", flat=True)}


@transaction.atomic
def _report(run: _Run, subject: Subject, found: list[tuple[str, str, str]]) -> None:
    if subject in run.on_its_way:
        return
    for name, ours, theirs in found:
        run.drift(subject, name, ours, theirs, repaired=True)


def _organization_of(object_type: str, object_id: str) -> Organization | None:
    row = row_of(object_type, object_id)
    return row.organization if row else None


# --- What was wanted --------------------------------------------------------------------------------------------------


def _compare_wanted(run: _Run) -> None:
    """Seats and namespaces that Stripe bills, beside those that are wanted: told to staff, for whoever changed them
    there may have had a reason. What is being changed at this moment, or waits for its payment, is left out."""
    changing = Call.objects.filter(state=JobState.PENDING, kind__in=quantities.CHANGING)
    settled = Wanted.objects.filter(changed_at__lte=timezone.now() - ON_ITS_WAY)
    for wanted in settled.exclude(organization__in=changing.values("organization")).select_related("organization"):
        _compare_quantities(run, wanted)


def _compare_quantities(run: _Run, wanted: Wanted) -> None:
    """In whole numbers, those that the plan includes among them."""
    found, key = quantities.sheet(wanted.organization), f"wanted:{wanted.organization_id}"
    if found is None or found.subscription.pending_until is not None or _to_be_billed(found) == found.billed:
        withdraw_alert(key)
        return
    subject, asked = ("subscription", found.subscription.stripe_id), _to_be_billed(found)
    for name, ours, theirs in zip(("seats", "namespaces"), asked, found.billed, strict=True):
        if ours != theirs:
            run.drift(subject, f"{name} wanted", str(ours), str(theirs), repaired=False)
    facts = {"name": wanted.organization.name, "wanted": _counted(asked), "billed": _counted(found.billed)}
    raise_alert(key, _("%(name)s wants %(wanted)s, and Stripe bills %(billed)s.") % facts, wanted.organization)


def _to_be_billed(found: Sheet) -> Counts:
    """What was asked for, and what is in use of what is paid."""
    numbers = quantities.targets(found.subscription.plan, found.wanted, found.used, found.held)
    return Counts(numbers[Item.SEAT], found.included + numbers[Item.ROOT])


def _counted(counts: Counts) -> str:
    return _("%(seats)d seats and %(roots)d namespaces") % counts._asdict()
