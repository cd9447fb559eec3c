"""Charts as plain SVG: drawn by pygal, then freed of all that a strict Content-Security-Policy forbids.

Colours and type come from ``static/freehold.css`` (``.chart``), so that a chart follows the theme. Whoever can't see
one reads the table beside it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import pygal
from django.utils.safestring import SafeString, mark_safe

# pygal looks for its plug-ins in a way that Python 3.11 warns of at every import that fails, and 3.12 no longer knows.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]

SVG = "{http://www.w3.org/2000/svg}"
WIDTH, HEIGHT = 360, 220
TICKS = 5
"""At most so many beside the axis."""
_FORBIDDEN = {"style", "script", "defs"}
_KEPT_TEXTS = {"value"}


@dataclass(frozen=True, slots=True)
class Series:
    """What one colour stands for; a value is None where there is nothing to show."""

    title: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """``label`` says in a sentence what is drawn; ``labels`` stand below, one in ``every`` so many of them."""

    label: str
    labels: Sequence[str]
    series: Sequence[Series]
    in_words: Callable[[float], str]
    """A value as it is shown when pointed at and beside the axis."""
    every: int = 3


def bars(chart: Chart) -> SafeString:
    """The values of each label side by side."""
    return _drawn(pygal.Bar, chart)


def stacked(chart: Chart) -> SafeString:
    """The values of each label on one another."""
    return _drawn(pygal.StackedBar, chart)


def line(chart: Chart) -> SafeString:
    return _drawn(pygal.Line, chart, fill=True, show_dots=False)


def _drawn(kind: type[pygal.Graph], chart: Chart, **options: object) -> SafeString:
    ticks = ticks_upto(_top(chart, is_stacked=kind is pygal.StackedBar))
    drawing = kind(
        pygal.Config(js=[], css=[], **options),
        width=WIDTH,
        height=HEIGHT,
        margin=4,
        margin_right=10,
        show_legend=False,
        show_y_guides=True,
        show_x_guides=False,
        range=(0, ticks[-1]),
        x_labels_major_every=chart.every,
        show_minor_x_labels=False,
        truncate_label=-1,
        value_formatter=lambda value: chart.in_words(value) if value is not None else "",
        disable_xml_declaration=True,
    )
    drawing.x_labels = list(chart.labels)
    drawing.y_labels = ticks
    for series in chart.series:
        drawing.add(series.title, list(series.values))
    drawing.add_xml_filter(lambda root: _cleaned(root, chart.label))
    drawn: str = drawing.render(is_unicode=True)
    return mark_safe(drawn)  # noqa: S308 -- pygal escapes texts; _cleaned lets no code through


def _top(chart: Chart, *, is_stacked: bool) -> float:
    columns = zip(*(series.values for series in chart.series), strict=True)
    heights = [(sum if is_stacked else max)([value or 0 for value in column]) for column in columns]
    return max([*heights, 1])


def ticks_upto(top: float) -> list[float]:
    """Round numbers from 0 to at least the top, at equal distances: ones, twos or fives of some power of ten."""
    power = 10.0 ** math.floor(math.log10(top))
    steps = (factor * power / 10 for factor in (1, 2, 5, 10, 20, 50, 100))
    step = next(step for step in steps if top / step <= TICKS - 1)
    return [round(step * number, 9) for number in range(math.ceil(top / step) + 1)]


def _cleaned(root: Element, label: str) -> Element:
    """Without styles, scripts and what moves the mouse; each value as a title, which browsers show."""
    for parent in list(root.iter()):
        for child in list(parent):
            _clean_child(parent, child)
    for element in root.iter():
        for attribute in [name for name in element.attrib if name == "style" or name.startswith("on")]:
            del element.attrib[attribute]
    root.attrib.pop("id", None)
    root.attrib |= {"role": "img", "aria-label": label, "class": "chart__drawing"}
    return root


def _clean_child(parent: Element, child: Element) -> None:
    name = child.tag.removeprefix(SVG) if isinstance(child.tag, str) else "comment"
    if name == "desc" and child.get("class") in _KEPT_TEXTS:
        child.tag = "title"
        child.attrib.clear()
    elif name in {*_FORBIDDEN, "comment", "desc", "title"}:
        parent.remove(child)
