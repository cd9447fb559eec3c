"""What several of the pages have: the note with the sum, the ways to pay, a place, a tax id."""

from __future__ import annotations

from collections.abc import Sequence

from billing.sandbox.buying import Errors, Way, ways
from billing.sandbox.html import NOTHING, Html, button, choices, form, h, money, select, text_field
from billing.sandbox.store import Object

SELLER = "Freehold"

COUNTRIES = {
    "": "Choose…", "AU": "Australia", "AT": "Austria", "BE": "Belgium", "BR": "Brazil", "BG": "Bulgaria",
    "CA": "Canada", "CN": "China", "HR": "Croatia", "CY": "Cyprus", "CZ": "Czechia", "DK": "Denmark",
    "EE": "Estonia", "FI": "Finland",
    "FR": "France", "DE": "Germany", "GR": "Greece", "HU": "Hungary", "IS": "Iceland", "IN": "India", "IE": "Ireland",
    "IL": "Israel", "IT": "Italy", "JP": "Japan", "KE": "Kenya", "KR": "Korea, Republic of", "LV": "Latvia",
    "LT": "Lithuania", "LU": "Luxembourg", "MT": "Malta", "MX": "Mexico", "NL": "Netherlands", "NZ": "New Zealand",
    "NO": "Norway", "PL": "Poland", "PT": "Portugal", "RO": "Romania", "SG": "Singapore", "SK": "Slovakia",
    "SI": "Slovenia", "ZA": "South Africa", "ES": "Spain", "SE": "Sweden", "CH": "Switzerland", "TW": "Taiwan",
    "UA": "Ukraine", "GB": "United Kingdom", "US": "United States",
}  # fmt: skip
TAX_IDS = {
    "": "None",
    "eu_vat": "EU VAT number",
    "gb_vat": "UK VAT number",
    "us_ein": "US EIN",
    "ch_vat": "Swiss VAT number",
    "au_abn": "Australian ABN",
    "in_gst": "Indian GSTIN",
    "jp_cn": "Japanese corporate number",
}
WAYS = {
    Way.SUCCEED: ("A card that works", "•••• 4242. It is charged now, and at every renewal."),
    Way.DECLINE: ("A card that is declined", "•••• 0341. You come back here and can try another way."),
    Way.AUTHENTICATE: (
        "A card whose bank asks first",
        "•••• 3184. A page lets you approve or refuse, at renewals too.",
    ),
    Way.LATER: ("A card that works once", "•••• 0341. It is charged now, and declined at the next renewal."),
    Way.DEBIT: ("A bank debit", "•••• 6789. Accepted now; whether the money comes is known days later."),
}


def ways_to_pay(types: Sequence[str], chosen: str, legend: str = "How the payment goes") -> Html:
    rows = [(way.value, *WAYS[way]) for way in ways(list(types))]
    return choices("way", legend, rows, chosen or Way.SUCCEED)


def sums(rows: Sequence[tuple[str, str]], total: tuple[str, str], after: Sequence[tuple[str, str]] = ()) -> Html:
    last = h('<div class="sums__all"><dt>{name}</dt><dd>{value}</dd></div>', name=total[0], value=total[1])
    return h('<dl class="sums">{made}{last}{after}</dl>', made=_pairs(rows), last=last, after=_pairs(after))


def _pairs(rows: Sequence[tuple[str, str]]) -> list[Html]:
    return [h("<div><dt>{name}</dt><dd>{value}</dd></div>", name=name, value=value) for name, value in rows]


def note(to: str, amount: str, per: str, *body: Html, title: str, serial: str) -> Html:
    """The sum, large, on a specimen of a note; ``serial`` is the id of what is paid."""
    return h(
        '<section class="note" aria-label="{title}"><div class="note__head"><h1 class="note__to">{to}</h1>'
        '<p class="note__sum">{amount} <small>{per}</small></p></div><div class="note__body">{body}</div>'
        '<p class="note__serial"><b>SPECIMEN</b> <span>{serial}</span></p></section>',
        title=title,
        to=to,
        amount=amount,
        per=per,
        body=body,
        serial=serial,
    )


def place_fields(place: Object | None, errors: Errors) -> Html:
    """An address. Names and kinds of fields are those that browsers fill in."""
    known = place or {}
    return h(
        '<div class="group">{country}{line1}{line2}<div class="pair">{postal}{city}</div>{state}</div>',
        country=select(
            "country",
            "Country",
            list(COUNTRIES.items()),
            known.get("country") or "",
            error=errors.get("country", ""),
            autocomplete="country",
        ),
        line1=_text("line1", "Street", known, errors, "address-line1"),
        line2=_text("line2", "Floor, department (optional)", known, errors, "address-line2"),
        postal=_text("postal_code", "Postal code", known, errors, "postal-code"),
        city=_text("city", "Town", known, errors, "address-level2"),
        state=_text("state", "State or province", known, errors, "address-level1", "Two letters, in the US and Canada"),
    )


def place_lines(place: Object | None) -> list[Html]:
    """As on an envelope."""
    known = place or {}
    town = " ".join(known[name] for name in ("postal_code", "city", "state") if known.get(name))
    country = COUNTRIES.get(known.get("country") or "--", known.get("country"))
    lines = [known.get("line1"), known.get("line2"), town, country]
    return [h("{line}<br>", line=line) for line in lines if line]


def _text(name: str, label: str, known: Object, errors: Errors, autocomplete: str, hint: str = "") -> Html:  # noqa: PLR0917 -- a row of a form
    value = known.get(name) or ""
    return text_field(name, label, value, error=errors.get(name, ""), hint=hint, autocomplete=autocomplete)


def tax_fields(kind: str, value: str, errors: Errors) -> Html:
    return h(
        '<div class="pair">{kind}{value}</div>'
        '<p class="hint">A number ending in 111111111 is found invalid, one ending in 222222222 stays unverified.</p>',
        kind=select("tax_type", "Tax id", list(TAX_IDS.items()), kind, error=errors.get("tax_type", "")),
        value=text_field("tax_value", "Number", value, error=errors.get("tax_value", ""), autocomplete="off"),
    )


def bank(action: str, amount: int, currency: str, to: str) -> Html:
    """The page of the buyer's bank, between here and there."""
    return h(
        '<section class="card"><h1>Your bank asks</h1><p>Do you approve a payment of <strong>{amount}</strong> to '
        "{to}?</p>{form}</section>",
        amount=money(amount, currency),
        to=to,
        form=form(
            action,
            h(
                '<div class="row">{yes}{no}</div>',
                yes=button("Approve the payment", act="answer", value="approve"),
                no=button("Refuse", act="answer", value="refuse", tone="bad"),
            ),
        ),
    )


def back_link(url: str | None, text: str) -> Html:
    return h('<p><a class="link" href="{url}">← {text}</a></p>', url=url, text=text) if url else NOTHING
