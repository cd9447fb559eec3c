"""Spans of time as people say them, and the unit in which several of them are compared. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Unit:
    seconds: int

    def in_words(self, count: float) -> str:
        """So many of it, short, for a chart."""
        number = f"{count:.1f}".removesuffix(".0")
        if self.seconds == DAY:
            return _("%(number)s d") % {"number": number}
        return (_("%(number)s h") if self.seconds == HOUR else _("%(number)s min")) % {"number": number}


def unit_for(longest: float) -> Unit:
    """The largest unit of which the longest span has two or more."""
    return Unit(next((seconds for seconds in (DAY, HOUR) if longest >= 2 * seconds), MINUTE))


def span_in_words(seconds: float | None) -> str:
    """As roughly as people say it, and never as less than it is; empty for none."""
    if seconds is None:
        return ""
    if seconds <= 1:
        return _("a second")
    for size, words in ((1, _seconds), (MINUTE, _minutes), (HOUR, _hours)):
        if (count := -int(-seconds // size)) < 100 - 40 * (size != HOUR):
            return words(count)
    return _days(-int(-seconds // DAY))


def _seconds(count: int) -> str:
    return ngettext("%(count)d second", "%(count)d seconds", count) % {"count": count}


def _minutes(count: int) -> str:
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def _hours(count: int) -> str:
    return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}


def _days(count: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
