"""Which tax number a buyer has in which country, as Stripe calls it. Pure.

Stripe judges whether a number is one; here it is only tidied, and given the kind that Stripe wants to know.
"""

from __future__ import annotations

import re

UNION = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905 -- read as one line
)
ELSEWHERE = {
    "AE": "ae_trn",
    "AU": "au_abn",
    "BR": "br_cnpj",
    "CA": "ca_bn",
    "CH": "ch_vat",
    "CL": "cl_tin",
    "GB": "gb_vat",
    "IL": "il_vat",
    "IN": "in_gst",
    "IS": "is_vat",
    "JP": "jp_cn",
    "KR": "kr_brn",
    "LI": "li_uid",
    "MX": "mx_rfc",
    "MY": "my_sst",
    "NO": "no_vat",
    "NZ": "nz_gst",
    "SA": "sa_vat",
    "SG": "sg_gst",
    "TH": "th_vat",
    "TR": "tr_tin",
    "TW": "tw_vat",
    "US": "us_ein",
    "ZA": "za_vat",
}
"""Of the countries where most who buy have one. Of the others a number stands on the quote alone."""
PREFIXES = {"GR": "EL"}
"""Where numbers begin with other letters than the country's."""
_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9+*/-]{3,28}")


def kind_of(country: str) -> str:
    """What Stripe calls the number of a company there; empty where we don't know."""
    return "eu_vat" if country in UNION else ELSEWHERE.get(country, "")


def parse(country: str, text: str) -> str:
    """The number as it is written on invoices; empty for none. Raises ``ValueError`` for what can be no number."""
    tidy = re.sub(r"[\s.]", "", text).upper()
    if not tidy:
        return ""
    if not tidy.isascii() or not _NUMBER.fullmatch(tidy):
        raise ValueError(f"{text[:40]!r} is no tax number.")
    prefix = PREFIXES.get(country, country)
    if country in UNION and not tidy.startswith(prefix):
        return f"{prefix}{tidy}"
    return tidy
