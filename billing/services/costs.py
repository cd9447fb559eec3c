"""The index's running costs: entered one by one or read in as CSV, and whether everybody may see them."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from billing.models import IndexCost, Openness
from billing.money import Money, UnknownCurrency, decimals, parse
from billing.vocabulary import Means
from freehold.errors import Invalid, NotFound, NotPermitted
from orgs import audit
from orgs.actors import Actor

COLUMNS = ("month", "category", "means", "giver", "amount", "currency")
KEY = ("month", "category", "means", "giver", "currency")
MOST_LINES, MOST_TOLD = 5_000, 20
_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,3})?", re.ASCII)
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)
Key = tuple[date, str, str, str, str]
LENGTHS = {"category": 60, "giver": 100}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One as it was typed, and found right. ``month`` is its first day; ``giver`` is empty for what was paid."""

    month: date
    category: str
    means: Means
    giver: str
    money: Money

    @property
    def key(self) -> Key:
        """What it is the cost of, as the constraint ``cost_once`` has it."""
        return self.month, self.category, self.means.value, self.giver, self.money.currency


class BadFile(Invalid):
    """A file of which nothing was taken; ``lines`` says line by line what is wrong."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(_("Nothing was read in. Mend these lines, and send the file again."))
        self.lines = lines


# --- What is typed ----------------------------------------------------------------------------------------------------


def parse_cost(*, month: str, category: str, means: str, giver: str, amount: str, currency: str) -> Cost:
    """Raises ``Invalid`` with the first thing that is wrong."""
    found_month = _MONTH.fullmatch(month.strip())
    if found_month is None:
        raise Invalid(_("Write the month like 2026-03."))
    if means.strip() not in Means.values:
        raise Invalid(_("Say “paid” or “in_kind”: whether it was paid with money or given."))
    chosen = Means(means.strip())
    if chosen is Means.PAID and giver.strip():
        raise Invalid(_("Leave out who gave it: it was paid."))
    return Cost(
        month=date(int(found_month[1]), int(found_month[2]), 1),
        category=_text("category", category, required=True),
        means=chosen,
        giver=_text("giver", giver, required=chosen is Means.IN_KIND),
        money=_money(amount, currency.strip().lower()),
    )


def _text(name: str, typed: str, *, required: bool) -> str:
    text = " ".join(typed.split())
    if required and not text:
        raise Invalid(_("Say who gave it.") if name == "giver" else _("Say what it is: hosting, bandwidth, people …"))
    if len(text) > LENGTHS[name] or not (text.isprintable() or not text):
        raise Invalid(_("At most %(count)s printable characters, please.") % {"count": LENGTHS[name]})
    return text


def _money(typed: str, currency: str) -> Money:
    amount, places = typed.strip(), _decimals(currency)
    refusal = _("Write the amount in %(currency)s like %(sample)s, without a sign or separators.") % {
        "currency": currency.upper(),
        "sample": Money(1250 * 10**places, currency).written(),
    }
    if not _AMOUNT.fullmatch(amount):
        raise Invalid(refusal)
    try:
        money = parse(amount, currency)
    except ValueError as error:
        raise Invalid(refusal) from error
    if not money:
        raise Invalid(_("A cost is more than nothing."))
    return money


def _decimals(currency: str) -> int:
    try:
        return decimals(currency)
    except UnknownCurrency as error:
        raise Invalid(_("The currency is three letters that we know, such as USD.")) from error


# --- Entering ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def enter_cost(*, actor: Actor, cost: Cost) -> IndexCost:
    """Enter it, or correct the amount of what was entered for the same month, category and giver. What is there already
    leaves no event, so that the same file can be read in again."""
    _demand_staff(actor)
    known: dict[str, Any] = dict(zip(KEY, cost.key, strict=True))
    before = IndexCost.objects.select_for_update().filter(**known).first()
    if before is not None and before.amount == cost.money.amount:
        return before
    row, _created = IndexCost.objects.update_or_create(
        **known, defaults={"amount": cost.money.amount, "entered_by": actor.label}
    )
    was = {"amount": before.amount} if before else {}
    audit.record(actor, "cost.entered", f"cost {row}", before=was, after={**_told(cost), "amount": row.amount})
    return row


def _told(cost: Cost) -> dict[str, str]:
    return {"means": cost.means.value, "giver": cost.giver, "currency": cost.money.currency}


@transaction.atomic
def remove_cost(*, actor: Actor, cost: int) -> None:
    """Take out what was entered by mistake; the trail has it still."""
    _demand_staff(actor)
    row = IndexCost.objects.select_for_update().filter(pk=cost).first()
    if row is None:
        raise NotFound(_("This cost is not there any more."))
    before = {"means": row.means, "giver": row.giver, "amount": row.amount, "currency": row.currency}
    row.delete()
    audit.record(actor, "cost.removed", f"cost {row}", before=before)


@transaction.atomic
def import_costs(*, actor: Actor, text: str) -> int:
    """Read in CSV with the ``COLUMNS``: all of it or nothing; how many. Raises ``BadFile``."""
    _demand_staff(actor)
    costs = parse_file(text)
    for cost in costs:
        enter_cost(actor=actor, cost=cost)
    return len(costs)


def parse_file(text: str) -> list[Cost]:
    """Raises ``BadFile`` with what is wrong in each line."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    costs: dict[Key, Cost] = {}
    wrong: list[str] = []
    try:
        if tuple(name.strip().lower() for name in rows.fieldnames or ()) != COLUMNS:
            raise BadFile([_("The first line must be: %(columns)s") % {"columns": ",".join(COLUMNS)}])
        rows.fieldnames = list(COLUMNS)
        for row in rows:
            _take(row, rows.line_num, costs, wrong)
    except csv.Error as error:
        wrong.append(_("Line %(number)s: %(why)s") % {"number": rows.reader.line_num, "why": error})
    if wrong or not costs:
        raise BadFile(wrong[:MOST_TOLD] or [_("There is no line with a cost in it.")])
    return list(costs.values())


def _take(row: dict[str, str], number: int, costs: dict[Key, Cost], wrong: list[str]) -> None:
    try:
        if set(row) != set(COLUMNS) or None in row.values():
            raise Invalid(_("It has not %(count)s columns.") % {"count": len(COLUMNS)})
        if len(costs) >= MOST_LINES:
            raise Invalid(_("A file has at most %(count)s lines.") % {"count": MOST_LINES})
        cost = parse_cost(**row)
        if cost.key in costs:
            raise Invalid(_("This stands in the file already. Add the amounts up."))
        costs[cost.key] = cost
    except Invalid as error:
        wrong.append(_("Line %(number)s: %(why)s") % {"number": number, "why": error.message})


# --- Who may see it ---------------------------------------------------------------------------------------------------


@transaction.atomic
def set_openness(*, actor: Actor, is_public: bool, currency: str) -> Openness:
    """Switch the public page on or off, and say in which currency it is reckoned."""
    _demand_admin(actor)
    currency = currency.strip().lower()
    _decimals(currency)
    row = Openness.objects.select_for_update().filter(pk=1).first() or Openness(pk=1)
    before = {"public": row.is_public, "currency": row.currency}
    row.is_public, row.currency = is_public, currency
    row.save()
    after = {"public": is_public, "currency": currency}
    audit.record(actor, "sustainability.set", "page on sustainability", before=before, after=after)
    return row


def _demand_staff(actor: Actor) -> None:
    if not actor.is_operator:
        raise NotPermitted(_("Only staff enters what the index costs."))


def _demand_admin(actor: Actor) -> None:
    """Whoever runs Freehold: from the command line, or by a page as one of its admins."""
    is_admin = actor.user is None or actor.user.is_superuser
    if not actor.is_operator or actor.is_machine or not is_admin:
        raise NotPermitted(_("Only those who run Freehold decide who may see what the index costs."))
