"""What the pages of cases show of a report besides: the parts are included there, and read it themselves."""

from __future__ import annotations

from collections.abc import Iterable

from django import template

from namespaces.cases import Party
from namespaces.models import Case
from namespaces.pages_disputes import Sheet, sheet_of

register = template.Library()


@register.simple_tag
def report_as_seen_by(case: Case, sides: Iterable[str]) -> Sheet:
    """The report, for these sides of it."""
    return sheet_of(case, sides)


@register.simple_tag
def report_at_the_desk(case: Case) -> Sheet:
    return sheet_of(case, [Party.REVIEWER])
