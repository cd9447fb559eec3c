"""Whether billing can work: what the operator set, what Stripe says to it, and what waits here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from billing.gateway.calls import gateway
from billing.gateway.errors import GatewayError
from billing.gateway.event_types import WANTED
from billing.gateway.objects import EndpointObject, PriceObject
from billing.gateway.reads import VERSION
from billing.gateway.signatures import TOLERANCE
from billing.models import Alert, Call, Event, Installation, Plan, Price, Reconciliation
from billing.money import Money
from billing.services.balancing import LEDGER
from billing.services.installation import mismatch
from billing.vocabulary import JobState
from freehold.errors import DomainError

DRIFT = TOLERANCE / 5
"""A minute: far from where messages are refused, and more than a clock that is kept right is ever wrong."""
WAITING = timedelta(minutes=15)
COMPARED = timedelta(hours=26)


class Nothing(DomainError):
    code = "nothing-to-do"


@dataclass(frozen=True, slots=True)
class Finding:
    """``problem`` is what is wrong, in a sentence, and empty where all is well."""

    about: str
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.about}: {self.problem or 'ok'}"


def examine() -> Iterator[Finding]:
    """Each as it is found. Where Stripe does not answer, that is the finding."""
    for about, look in EXAMINED.items():
        try:
            yield Finding(about, look())
        except GatewayError as error:
            yield Finding(about, f"Stripe says: {error.message}")


def webhook_address() -> str:
    return settings.FREEHOLD_URL + reverse("stripe-webhook")


def make_endpoint() -> str:
    """Have Stripe tell us of what happens there, in the version that we speak; the secret, which is told this once."""
    address = webhook_address()
    if any(found.url == address for found in gateway().endpoints()):
        raise Nothing(f"Stripe has an endpoint for {address} already; its secret stands in Stripe's dashboard.")
    _, secret = gateway().create_endpoint(f"endpoint-{address}", address, WANTED)
    return secret


# --- What is looked at ------------------------------------------------------------------------------------------------


def _account() -> str:
    account = gateway().account()
    wanted = settings.FREEHOLD_STRIPE.account
    if wanted and wanted != account.id:
        return f"STRIPE_ACCOUNT is {wanted}, and the key belongs to {account.id}."
    wrong = mismatch(Installation.objects.first(), account.id, livemode=settings.FREEHOLD_STRIPE.livemode)
    return wrong or ("" if account.charges_enabled else f"Stripe does not let {account.id} take payments yet.")


def _clock() -> str:
    theirs = gateway().clock()
    return "" if theirs is None else drift(timezone.now(), theirs)


def drift(ours: datetime, theirs: datetime) -> str:
    """Pure. A clock that is wrong refuses what Stripe sends, for it looks too old or as if from the future."""
    wrong = ours - theirs
    if abs(wrong) < DRIFT:
        return ""
    direction = "ahead of" if wrong > timedelta() else "behind"
    seconds = abs(wrong).total_seconds()
    return (
        f"This machine's clock is {seconds:.0f} s {direction} Stripe's;"
        f" at {TOLERANCE.total_seconds():.0f} s its messages are refused. Set the clock by NTP."
    )


def _endpoint() -> str:
    address = webhook_address()
    found = [each for each in gateway().endpoints() if each.url == address]
    if not found:
        return f"Stripe has no endpoint for {address}: run billing_doctor --make-endpoint."
    return next(filter(None, map(endpoint_problem, found)), "")


def endpoint_problem(endpoint: EndpointObject) -> str:
    """Pure."""
    missing = set(WANTED) - set(endpoint.enabled_events)
    if endpoint.status != "enabled":
        return f"The endpoint {endpoint.id} is {endpoint.status}."
    if endpoint.api_version != VERSION:
        return f"The endpoint {endpoint.id} speaks {endpoint.api_version or 'whatever is usual'}, and we {VERSION}."
    if missing and "*" not in endpoint.enabled_events:
        return f"The endpoint {endpoint.id} does not tell of {', '.join(sorted(missing))}."
    return ""


def _prices() -> str:
    prices = list(Price.objects.select_related("plan").filter(plan__is_current=True))
    unmade = [price.lookup_key for price in prices if not price.stripe_id]
    if unmade or not Plan.objects.filter(is_current=True).exists():
        return "What is sold is not at Stripe: run sync_plans."
    there = {found.id: found for found in gateway().prices(price.lookup_key for price in prices)}
    return next(filter(None, (_price(price, there) for price in prices)), "")


def _price(price: Price, there: Mapping[str, PriceObject]) -> str:
    found = there.get(price.stripe_id)
    if found is None:
        return f"Stripe has no price {price.stripe_id} by the name {price.lookup_key}."
    wanted = Money(price.amount, price.currency).as_stripe()
    return (
        ""
        if (found.unit_amount, found.active) == (wanted, True)
        else f"Stripe's {price.lookup_key} has another amount, or is not sold any more."
    )


def _seller() -> str:
    said = settings.FREEHOLD_SELLER
    named = {"BILLING_SELLER": said.address, "BILLING_SELLER_TAX_ID": said.tax_id, "BILLING_CONTACT": said.email}
    missing = [name for name, value in named.items() if not value]
    return f"Quotes don't say who sells: set {', '.join(missing)}." if missing else ""


def _events() -> str:
    return _jobs(Event, "events", timezone.now())


def _calls() -> str:
    return _jobs(Call, "calls", timezone.now())


def _jobs(model: type[Event | Call], title: str, now: datetime) -> str:
    late = model.objects.filter(state=JobState.PENDING, due_at__lt=now - WAITING).count()
    dead = model.objects.filter(state=JobState.DEAD).count()
    if late:
        return f"{late} {title} have waited for more than {WAITING.seconds // 60} minutes: is the worker running?"
    return f"{dead} {title} were given up." if dead else ""


def _comparison() -> str:
    compared = Reconciliation.objects.filter(ended_at__isnull=False, error="").exclude(kind=LEDGER)
    last = compared.order_by("-started_at").first()
    if last is None or last.started_at < timezone.now() - COMPARED:
        return "Ours was not compared with Stripe's for more than a day: is the clock running?"
    return ""


def _alerts() -> str:
    count = Alert.objects.filter(settled_at__isnull=True).count()
    return f"{count} are open: see the staff pages." if count else ""


EXAMINED: dict[str, Callable[[], str]] = {
    "Account": _account,
    "Clock": _clock,
    "Webhook endpoint": _endpoint,
    "Prices": _prices,
    "Seller": _seller,
    "Events": _events,
    "Calls": _calls,
    "Comparison": _comparison,
    "Alerts": _alerts,
}
