"""What the demo shows of billing: a company that paid by wire, one whose wire is on its way, and what the index costs.

All of it comes about as it would in earnest, by the sandbox.
"""

from __future__ import annotations

from datetime import date, timedelta

from accounts.models import User
from billing import clock
from billing.bookkeeping import month_of, months
from billing.models import Intent, Invoice
from billing.money import Money
from billing.services import quotes, wires
from billing.services.costs import Cost, enter_cost, set_openness
from billing.services.outbox import make_calls
from billing.services.plans import sync_plans
from billing.services.purchases import Order
from billing.vocabulary import Interval, Means, Tier
from orgs.actors import Actor
from orgs.models import Membership, Organization
from orgs.vocabulary import Role

PAID, ON_ITS_WAY = "acme", "lumenworks"
ADDRESS = {"line1": "1 Rocket Road", "postal_code": "10115", "city": "Berlin", "country": "DE"}
CURRENCY = "usd"
MONTHS = 14
COSTS = (
    ("Hosting", Means.PAID, "", 2_400_000, 40_000),
    ("People", Means.PAID, "", 5_200_000, 0),
    ("Bandwidth", Means.IN_KIND, "A content delivery network", 11_500_000, 420_000),
    ("Monitoring", Means.IN_KIND, "A monitoring company", 180_000, 2_000),
)
"""What, how, by whom, in the first month, and how much more each month: made up."""


def make_demo_billing(*, actor: Actor) -> bool:
    """Once; whether it was made now."""
    sync_plans(actor=actor)
    if Intent.objects.exists():
        return False
    for name, order in ((PAID, "PO-2041"), (ON_ITS_WAY, "4500017788")):
        organization = Organization.objects.filter(name=name).first()
        if organization is not None:
            _buy(organization, order)
    make_calls()
    _receive_wire()
    make_calls()
    _enter_costs(actor)
    return True


def _buy(organization: Organization, purchase_order: str) -> None:
    owner = Membership.objects.filter(organization=organization, role=Role.OWNER).select_related("user").earliest("pk")
    actor = Actor.person(owner.user)
    seats = organization.memberships.count()
    order = Order(tier=Tier.TEAM, interval=Interval.YEAR, currency=CURRENCY, seats=max(seats, 3), roots=1)
    billed = quotes.Billed(name=f"{organization.display_name} GmbH", email=owner.user.email, address=ADDRESS)
    quote = quotes.request_quote(actor=actor, organization=organization, order=order, billed=billed)
    begins = organization.name == ON_ITS_WAY
    quotes.accept_with_order(actor=actor, intent=quote, purchase_order=purchase_order, begin_now=begins)


def _receive_wire() -> None:
    invoice = Invoice.objects.filter(organization__name=PAID, status="open").first()
    reviewer = User.objects.filter(is_staff=True).order_by("pk").first()
    if invoice is None or reviewer is None:
        return
    amount = Money(invoice.amount_remaining, invoice.currency)
    today = clock.now().date()
    wires.record_wire(
        actor=Actor.staff(reviewer), invoice=invoice, amount=amount, reference="WIRE 7731", received_on=today
    )


def _enter_costs(actor: Actor) -> None:
    for number, month in enumerate(_last_months()):
        for category, means, giver, first, growth in COSTS:
            money = Money(first + growth * number, CURRENCY)
            enter_cost(actor=actor, cost=Cost(month=month, category=category, means=means, giver=giver, money=money))
    set_openness(actor=actor, is_public=True, currency=CURRENCY)


def _last_months() -> list[date]:
    today = clock.now().date()
    return months(month_of(today - timedelta(days=31 * MONTHS)), today)[-MONTHS - 1 : -1]
