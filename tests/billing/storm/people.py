"""What people do with Freehold during the storm: they buy, change their minds, come and go; and staff decides."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from billing.models import Allowance, Health, Intent, Invoice, Subscription, Wanted
from billing.money import Money
from billing.sandbox import buying
from billing.sandbox.buying import Way
from billing.services.allowances import approve_allowance, refuse_allowance
from billing.services.endings import end_plan, take_back
from billing.services.ladder import confirm_release
from billing.services.plan_changes import change_plan, keep_plan
from billing.services.purchases import begin_purchase, drop_purchase
from billing.services.quantities import Agreed, change_quantities
from billing.services.quotes import accept_with_order, request_quote
from billing.services.returning import look_at_return
from billing.services.wires import outstanding, record_wire
from billing.standing import Step
from billing.vocabulary import IntentState, Interval, Method, Tier
from namespaces.models import Grant
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Membership, Organization
from orgs.vocabulary import Role
from tests import factories
from tests.billing.buying.shop import BILLED, TYPED, order
from tests.billing.storm.place import Hands
from tests.billing.world import company

Row = TypeVar("Row", bound=Model)
WAYS = (Way.SUCCEED, Way.SUCCEED, Way.SUCCEED, Way.LATER, Way.DECLINE, Way.DEBIT, Way.AUTHENTICATE)
CURRENCIES = ("usd", "usd", "eur", "gbp")
"""Each buys in one of these: a customer of Stripe's has one for ever."""


class Nothing(Exception):
    """There is nobody to whom this could happen now."""


class People:
    def __init__(self, hands: Hands, dice: random.Random, organizations: int) -> None:
        self.hands, self.dice = hands, dice
        self.organizations = [company(f"org{number}") for number in range(organizations)]
        self.owners = {one.pk: Actor.person(one.memberships.get().user) for one in self.organizations}
        self.currencies = dict(zip(self.owners, itertools.cycle(CURRENCIES), strict=False))
        self.staff = [Actor.staff(factories.reviewer()) for _ in range(2)]
        for one in self.organizations:
            factories.grant(f"{one.name}-a", one, state=GrantState.HELD)
        self.made = 0

    def anybody(self) -> Organization:
        return Organization.objects.get(pk=self.dice.choice(self.organizations).pk)

    def somebody(self, *, buying: bool) -> Organization:
        """Who has a plan, or has none."""
        live = set(Subscription.objects.live().values_list("organization_id", flat=True))
        found = [one for one in self.organizations if (one.pk in live) is not buying]
        if not found:
            raise Nothing
        return Organization.objects.get(pk=self.dice.choice(found).pk)

    def number(self) -> int:
        self.made += 1
        return self.made

    # --- Buying -------------------------------------------------------------------------------------------------------

    def _order(self, organization: Organization) -> dict[str, Any]:
        people = Membership.objects.filter(organization=organization).count()
        roots = Grant.objects.holding().filter(owner=organization, root__isnull=True).count()
        return {
            "tier": self.dice.choice((Tier.TEAM, Tier.TEAM, Tier.BUSINESS)),
            "interval": self.dice.choice((Interval.MONTH, Interval.MONTH, Interval.YEAR)),
            "currency": self.currencies[organization.pk],
            "seats": people + self.dice.randrange(4),
            "roots": roots + self.dice.randrange(2),
        }

    def begin(self) -> None:
        one = self.somebody(buying=True)
        begin_purchase(actor=self.owners[one.pk], organization=one, order=order(**self._order(one)))

    def pay(self) -> None:
        """On Stripe's page; and then they come back, or don't."""
        waiting = self.hands.sandbox.find("checkout.session", status="open")
        if not waiting:
            raise Nothing
        session, way = self.dice.choice(waiting), self.dice.choice(WAYS)
        if way is Way.DEBIT:
            session["payment_method_types"] = ["card", "sepa_debit"]
        assert buying.take(self.hands.sandbox, session, {**TYPED}) == {}
        with self.hands.sandbox.work():
            buying.pay(self.hands.sandbox, session, way, approved=self.dice.random() < 0.7)
        if self.dice.random() < 0.5:
            self._come_back(session["id"])

    def come_back(self) -> None:
        found = list(Intent.objects.exclude(session="").order_by("-pk").values_list("session", flat=True)[:10])
        if not found:
            raise Nothing
        self._come_back(self.dice.choice(found))

    def _come_back(self, session: str) -> None:
        intent = Intent.objects.select_related("organization").filter(session=session).first()
        if intent is not None:
            actor = self.owners[intent.organization_id]
            look_at_return(actor=actor, organization=intent.organization, session=session)

    def drop(self) -> None:
        intent = self._one_of(Intent.objects.filter(state__in=[IntentState.OPEN, IntentState.QUOTED]))
        drop_purchase(actor=self.owners[intent.organization_id], intent=intent)

    def _one_of(self, rows: QuerySet[Row]) -> Row:
        found = list(rows.order_by("pk")[:50])
        if not found:
            raise Nothing
        return self.dice.choice(found)

    # --- By invoice ---------------------------------------------------------------------------------------------------

    def ask_for_quote(self) -> None:
        one = self.somebody(buying=True)
        request_quote(actor=self.owners[one.pk], organization=one, order=order(**self._order(one)), billed=BILLED)

    def accept(self) -> None:
        quotes = Intent.objects.filter(state=IntentState.QUOTED, method=Method.INVOICE)
        intent = self._one_of(quotes)
        accept_with_order(
            actor=self.owners[intent.organization_id],
            intent=intent,
            purchase_order=f"PO-{self.number()}",
            begin_now=self.dice.random() < 0.5,
        )

    def decide_allowance(self) -> None:
        waiting = Allowance.objects.filter(approved_by__isnull=True, ended_at__isnull=True)
        allowance = self._one_of(waiting)
        if self.dice.random() < 0.7:
            approve_allowance(actor=self.staff[0], allowance=allowance)
        else:
            refuse_allowance(actor=self.staff[0], allowance=allowance, reason="Not known to us.")

    def wire(self) -> None:
        """As much as is asked for, or a little less, or more."""
        invoice = self._one_of(Invoice.objects.filter(status="open", collection_method="send_invoice"))
        left = outstanding(invoice).amount
        amount = max(1, left + self.dice.choice((0, 0, 0, 0, -700, 900)))
        record_wire(
            actor=self.staff[1],
            invoice=invoice,
            amount=Money(amount, invoice.currency),
            reference=f"B-{self.number()}",
            received_on=self.hands.now.date() - timedelta(days=1),
            is_enough=self.dice.random() < 0.2,
        )

    # --- Changing -----------------------------------------------------------------------------------------------------

    def _agreed(self) -> Agreed:
        return Agreed(at=self.hands.now)

    def change_quantities(self) -> None:
        one = self.somebody(buying=False)
        people = Membership.objects.filter(organization=one).count()
        roots = Grant.objects.holding().filter(owner=one, root__isnull=True).count()
        change_quantities(
            actor=self.owners[one.pk],
            organization=one,
            seats=people + self.dice.randrange(6),
            roots=roots + self.dice.randrange(3),
            agreed=self._agreed(),
        )

    def change_plan(self) -> None:
        one = self.somebody(buying=False)
        tier, interval = self.dice.choice((Tier.TEAM, Tier.BUSINESS)), self.dice.choice(list(Interval))
        change_plan(actor=self.owners[one.pk], organization=one, tier=tier, interval=interval, agreed=self._agreed())

    def keep_plan(self) -> None:
        wanted = self._one_of(Wanted.objects.filter(plan__isnull=False).select_related("organization"))
        keep_plan(actor=self.owners[wanted.organization_id], organization=wanted.organization)

    def end(self) -> None:
        one = self.somebody(buying=False)
        end_plan(actor=self.owners[one.pk], organization=one)

    def take_back(self) -> None:
        ending = Subscription.objects.live().filter(ends_at__isnull=False).select_related("organization")
        one = self._one_of(ending).organization
        take_back(actor=self.owners[one.pk], organization=one)

    # --- Who is there, and what is held -------------------------------------------------------------------------------

    def come(self) -> None:
        one = self.anybody()
        if Membership.objects.filter(organization=one).count() >= (one.seats or 99):
            raise Nothing
        factories.member(one, f"p{self.number()}", Role.MEMBER)

    def go(self) -> None:
        found = Membership.objects.filter(role=Role.MEMBER)
        self._one_of(found).delete()

    def hold(self) -> None:
        """Claims are another matter: this one was approved a while ago."""
        one = self.anybody()
        if Grant.objects.filter(owner=one).count() < 4:
            factories.grant(f"{one.name}-n{self.number()}", one, state=GrantState.HELD)

    def open_to_all(self) -> None:
        """What the lapse took, at the end of the ladder: staff alone says so."""
        due = Health.objects.filter(step=Step.RELEASE).select_related("organization")
        confirm_release(actor=self.staff[0], organization=self._one_of(due).organization, reason="Nobody paid.")
