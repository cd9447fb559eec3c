"""What stands in the ledger: each account by currency, month by month, and beside what Stripe says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from django.db.models import Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.bookkeeping import Account, month_of, months, next_month
from billing.gateway.objects import BalanceObject
from billing.models import ClosedMonth, Customer, LedgerEntry, LedgerLine
from billing.money import Money, from_stripe
from orgs.models import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An account in a month: ``opening`` and ``closing`` are below zero where credits outweigh."""

    account: Account
    opening: Money
    debits: Money
    credits: Money

    @property
    def closing(self) -> Money:
        return self.opening + self.debits - self.credits


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Of one currency: every account in use, and the sums, which are equal in every ledger that is whole."""

    currency: str
    rows: tuple[Row, ...]
    debits: Money
    credits: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Our account of Stripe's balance beside Stripe's own."""

    currency: str
    ours: Money
    theirs: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditDifference:
    """What the ledger says that an organization has to its credit, beside what Stripe said when it was last asked.
    ``customer`` is its id at Stripe, the latest of several."""

    organization: Organization
    customer: str
    currency: str
    ours: Money
    theirs: Money

    def is_of_same(self, other: CreditDifference) -> bool:
        return (self.organization, self.currency) == (other.organization, other.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """``entries`` counts what is booked in it."""

    month: date
    is_closed: bool


def trial_balance(month: date) -> list[Totals]:
    """Of each currency at the end of the month, with what moved in it."""
    first, after = month_of(month), next_month(month)
    within = Q(entry__booked_on__gte=first)
    lines = LedgerLine.objects.filter(entry__booked_on__lt=after).values("account", "currency")
    sums = lines.annotate(
        opening=Coalesce(Sum("amount", filter=~within), 0),
        debits=Coalesce(Sum("amount", filter=within & Q(amount__gt=0)), 0),
        credits=Coalesce(-Sum("amount", filter=within & Q(amount__lt=0)), 0),
    )
    found: dict[str, list[Row]] = {}
    order = {account.value: number for number, account in enumerate(Account)}
    for each in sorted(sums, key=lambda row: order[row["account"]]):
        currency = each["currency"]
        amounts = {name: Money(each[name], currency) for name in ("opening", "debits", "credits")}
        found.setdefault(currency, []).append(Row(account=Account(each["account"]), **amounts))
    return [_totals(currency, rows) for currency, rows in sorted(found.items())]


def _totals(currency: str, rows: list[Row]) -> Totals:
    return Totals(
        currency=currency,
        rows=tuple(rows),
        debits=sum((row.debits for row in rows), start=Money(0, currency)),
        credits=sum((row.credits for row in rows), start=Money(0, currency)),
    )


def clearing() -> dict[str, Money]:
    """By currency: what we think that Stripe has of ours."""
    lines = LedgerLine.objects.filter(account=Account.CLEARING).values("currency").annotate(sum=Sum("amount"))
    return {row["currency"]: Money(row["sum"], row["currency"]) for row in lines.order_by("currency")}


def differences(balance: BalanceObject) -> list[Difference]:
    """Where our account is not what Stripe says, what is on its way included; raises ``UnknownCurrency``."""
    ours = clearing()
    found = []
    for currency in sorted({*ours, *balance.available, *balance.pending}):
        theirs = from_stripe(balance.available.get(currency, 0) + balance.pending.get(currency, 0), currency)
        mine = ours.get(currency, Money(0, currency))
        if mine != theirs:
            found.append(Difference(currency=currency, ours=mine, theirs=theirs))
    return found


def credit_differences(organization: Organization | None = None) -> list[CreditDifference]:
    """Where an organization's credit in the ledger is not that of its customers at Stripe, as the mirror has it; of one
    organization, or of all."""
    of_one = {"organization": organization} if organization else {}
    lines = LedgerLine.objects.filter(account=Account.CUSTOMER_BALANCE, entry__organization__isnull=False)
    lines = lines.filter(**{f"entry__{name}": value for name, value in of_one.items()})
    summed = lines.values_list("entry__organization", "currency").annotate(sum=Sum("amount"))
    ours = {(pk, currency): -amount for pk, currency, amount in summed if amount}
    customers = Customer.objects.filter(**of_one).order_by("pk")
    theirs: Counter[tuple[int, str]] = Counter()
    for pk, currency, amount in customers.exclude(balance=0).values_list("organization", "currency", "balance"):
        theirs[pk, currency] -= amount
    apart = [each for each in sorted({*ours, *theirs}) if ours.get(each, 0) != theirs[each]]
    owners = Organization.objects.in_bulk([pk for pk, _currency in apart])
    latest = dict(customers.filter(organization__in=owners).values_list("organization", "stripe_id"))
    return [
        CreditDifference(
            organization=owners[pk],
            customer=latest.get(pk, ""),
            currency=currency,
            ours=Money(ours.get((pk, currency), 0), currency),
            theirs=Money(theirs[pk, currency], currency),
        )
        for pk, currency in apart
    ]


def booked_months() -> list[Month]:
    """Those with entries or closed, the newest first, without a gap."""
    ends = LedgerEntry.objects.aggregate(first=Min("booked_on"), last=Max("booked_on"))
    closed = set(ClosedMonth.objects.values_list("month", flat=True))
    days = [day for day in (ends["first"], ends["last"], *closed) if day]
    if not days:
        return []
    latest = max(closed, default=date.min)
    return [Month(month=month, is_closed=month <= latest) for month in reversed(months(min(days), max(days)))]


def entries_of(month: date, account: str = "", currency: str = "") -> QuerySet[LedgerEntry]:
    """What is booked in the month, on the account where one is named, in the order of the journal."""
    found = LedgerEntry.objects.filter(booked_on__gte=month_of(month), booked_on__lt=next_month(month))
    wanted = {"account": account, "currency": currency}
    if chosen := {name: value for name, value in wanted.items() if value}:
        found = found.filter(pk__in=LedgerLine.objects.filter(**chosen).values("entry"))
    return found.order_by("booked_on", "pk").prefetch_related("lines")
