"""HTML of our own, without templates: whatever is put into it is escaped, unless it is HTML already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

STRIP = "Sandbox: no money moves"
_WHOLE = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
_THOUSANDTHS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


class Html(str):
    """Text that is HTML."""

    __slots__ = ()


NOTHING = Html("")


def h(template: str, /, **values: Any) -> Html:
    """``h("<p>{text}</p>", text="a < b")``. A list is put in one piece after the other; None and False are nothing."""
    return Html(template.format_map({name: _safe(value) for name, value in values.items()}))


def _safe(value: Any) -> str:
    if isinstance(value, Html):
        return value
    if value is None or value is False:
        return ""
    if isinstance(value, list | tuple):
        return "".join(_safe(one) for one in value)
    return escape(str(value))


def attributes(**given: str | bool | int | None) -> Html:
    """``name="value"`` for each; what is True stands alone, what is None or False does not stand there."""
    told = {name.rstrip("_").replace("_", "-"): value for name, value in given.items()}
    return Html(
        "".join(
            f" {name}" if value is True else f' {name}="{escape(str(value))}"'
            for name, value in told.items()
            if value is not None and value is not False
        )
    )


# --- Words for values -------------------------------------------------------------------------------------------------


def money(amount: int, currency: str) -> str:
    """``-$1,234.50``; a currency without a sign of its own is named."""
    places = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    whole, rest = divmod(abs(amount), 10**places)
    number = f"{whole:,}" + (f".{rest:0{places}}" if places else "")
    sign = _SIGNS.get(currency, f"{currency.upper()}\N{NO-BREAK SPACE}")
    return f"{'−' if amount < 0 else ''}{sign}{number}"


def day(moment: int | None) -> Html:
    if moment is None:
        return Html("–")
    at = datetime.fromtimestamp(moment, UTC)
    return h('<time datetime="{iso}">{text}</time>', iso=at.isoformat(), text=f"{at.day} {at:%B %Y}")


def minute(moment: int) -> Html:
    at = datetime.fromtimestamp(moment, UTC)
    return h('<time datetime="{iso}">{text} UTC</time>', iso=at.isoformat(), text=f"{at.day} {at:%b %Y, %H:%M}")


def every(recurring: dict[str, Any] | None) -> str:
    """``per month``, ``every 3 months``."""
    if not recurring:
        return ""
    count, interval = recurring.get("interval_count", 1), recurring["interval"]
    return f"per {interval}" if count == 1 else f"every {count} {interval}s"


# --- Pieces of a page -------------------------------------------------------------------------------------------------


def page(title: str, *body: Html, wide: bool = False) -> Html:
    """The whole document."""
    return h(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n<meta name="color-scheme" content="light dark">\n'
        '<title>{title} – {strip}</title>\n<link rel="stylesheet" href="/_sandbox/style.css">\n'
        '<link rel="icon" href="/_sandbox/icon.svg" type="image/svg+xml">\n</head>\n<body>\n'
        '<a class="skip" href="#main">Skip to the content</a>\n'
        '<header class="strip"><p class="strip__text">{strip}</p></header>\n'
        '<main id="main" tabindex="-1" class="main{wide}">\n{body}\n</main>\n'
        '<footer class="foot"><p>A stand-in for Stripe that runs on this machine, for trying things out. '
        "Nothing typed here leaves it. Type no real card numbers.</p></footer>\n</body>\n</html>\n",
        title=title,
        strip=STRIP,
        wide=" main--wide" if wide else "",
        body=body,
    )


def form(action: str, *body: Html, class_: str = "stack") -> Html:
    return h(
        '<form method="post" action="{action}" class="{c}" novalidate>{body}</form>', action=action, c=class_, body=body
    )


def button(text: str, *, act: str = "", value: str = "1", tone: str = "main", label: str = "") -> Html:
    """``act`` is the name that is sent with the form; ``label`` says more to whom does not see what is around it."""
    extra = attributes(name=act or None, value=value if act else None)
    hidden = h('<span class="hidden"> {label}</span>', label=label) if label else NOTHING
    return h(
        '<button type="submit" class="button button--{tone}"{extra}>{text}{hidden}</button>',
        tone=tone,
        extra=extra,
        text=text,
        hidden=hidden,
    )


def link(text: str, url: str, *, class_: str = "link") -> Html:
    return h('<a class="{c}" href="{url}">{text}</a>', c=class_, url=url, text=text)


def text_field(
    name: str,
    label: str,
    value: object = "",
    *,
    error: str = "",
    hint: str = "",
    class_: str = "",
    **more: str | bool | int | None,
) -> Html:
    """``more`` are attributes of the input: ``type``, ``autocomplete``, ``inputmode``, ``required``."""
    about = [f"{name}-{part}" for part, said in (("hint", hint), ("error", error)) if said]
    given = attributes(
        **{
            "type": "text",
            "id": name,
            "name": name,
            "value": str(value if value is not None else ""),
            "aria_describedby": " ".join(about) or None,
            "aria_invalid": "true" if error else None,
            **more,
        }
    )
    return _field(name, label, h('<input class="input"{given}>', given=given), error=error, hint=hint, class_=class_)


def select(
    name: str,
    label: str,
    options: Sequence[tuple[str, str]],
    value: str = "",
    *,
    error: str = "",
    hint: str = "",
    class_: str = "",
    **more: str | bool | int | None,
) -> Html:
    about = [f"{name}-{part}" for part, said in (("hint", hint), ("error", error)) if said]
    given = attributes(
        id=name,
        name=name,
        aria_describedby=" ".join(about) or None,
        aria_invalid="true" if error else None,
        **more,
    )
    made = [
        h('<option value="{key}"{chosen}>{text}</option>', key=key, chosen=attributes(selected=key == value), text=text)
        for key, text in options
    ]
    chooser = h('<select class="input"{given}>{made}</select>', given=given, made=made)
    return _field(name, label, chooser, error=error, hint=hint, class_=class_)


def _field(name: str, label: str, control: Html, *, error: str, hint: str, class_: str) -> Html:
    return h(
        '<div class="field {c}"><label class="label" for="{name}">{label}</label>{hint}{error}{control}</div>',
        c=class_,
        name=name,
        label=label,
        hint=h('<p class="hint" id="{n}-hint">{t}</p>', n=name, t=hint) if hint else NOTHING,
        error=h('<p class="error" id="{n}-error">{t}</p>', n=name, t=error) if error else NOTHING,
        control=control,
    )


def choices(name: str, legend: str, options: Sequence[tuple[str, str, str]], chosen: str) -> Html:
    """Radio buttons: value, label and what it means."""
    rows = [
        h(
            '<div class="choice"><input class="choice__input" type="radio" id="{id}" name="{name}" value="{value}"{on}'
            ' aria-describedby="{id}-hint"><label class="choice__label" for="{id}">{label}</label>'
            '<p class="choice__hint" id="{id}-hint">{hint}</p></div>',
            id=f"{name}-{value}",
            name=name,
            value=value,
            on=attributes(checked=value == chosen),
            label=label,
            hint=hint,
        )
        for value, label, hint in options
    ]
    return h('<fieldset class="choices"><legend class="legend">{t}</legend>{rows}</fieldset>', t=legend, rows=rows)


def wrong(errors: dict[str, str]) -> Html:
    """What is to be put right, with the way to each field; the key is the field's name, empty for the whole."""
    if not errors:
        return NOTHING
    rows = [
        h('<li><a href="#{name}">{text}</a></li>', name=name, text=text) if name else h("<li>{text}</li>", text=text)
        for name, text in errors.items()
    ]
    return h(
        '<div class="notice notice--bad" role="alert"><h2 class="notice__head">That did not work</h2>'
        '<ul class="plain">{rows}</ul></div>',
        rows=rows,
    )


def notice(text: str | Html, tone: str = "calm") -> Html:
    return h('<div class="notice notice--{tone}" role="status"><p>{text}</p></div>', tone=tone, text=text)


def badge(text: str, tone: str = "calm") -> Html:
    return h('<span class="badge badge--{tone}">{text}</span>', tone=tone, text=text)


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "") -> Html:
    """The first cell of a row is its head; narrow windows show each cell with the head of its column."""
    made = [_row(heads, cells) for cells in rows]
    if not made:
        return h('<p class="quiet">{empty}</p>', empty=empty)
    return h(
        '<table class="table"><caption class="caption">{caption}</caption>'
        "<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>",
        caption=caption,
        heads=[h('<th scope="col">{text}</th>', text=text) for text in heads],
        rows=made,
    )


def _row(heads: Sequence[str], cells: Sequence[object]) -> Html:
    rest = [
        h('<td data-label="{head}">{cell}</td>', head=head, cell=cell)
        for head, cell in zip(heads[1:], cells[1:], strict=True)
    ]
    return h('<tr><th scope="row">{first}</th>{rest}</tr>', first=cells[0], rest=rest)


def facts(*rows: tuple[str, object]) -> Html:
    made = [h("<div><dt>{name}</dt><dd>{value}</dd></div>", name=name, value=value) for name, value in rows]
    return h('<dl class="facts">{made}</dl>', made=made)
