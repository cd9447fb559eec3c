"""What a domain tells about who has it: a university, a government, a nonprofit, or maybe a business. Pure.

Only endings under which a registry asks who somebody is count as institutions, so the lists are short. A name further
down may be anybody's whom the institution gave a page.
"""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlsplit

from orgs.proofs import suffixes

UNIVERSITIES = frozenset(
    """
    edu ac.at ac.be ac.bd ac.cn ac.cr ac.cy ac.id ac.il ac.in ac.ir ac.jp ac.ke ac.kr ac.lk ac.ma ac.nz ac.rs ac.th
    ac.tz ac.ug ac.uk ac.za edu.ar edu.au edu.br edu.cn edu.co edu.eg edu.gh edu.hk edu.in edu.lb edu.mx edu.my edu.ng
    edu.pe edu.ph edu.pk edu.sa edu.sg edu.tr edu.tw edu.ua edu.uy edu.vn
    """.split()  # noqa: SIM905 - as literals they would fill pages
)
GOVERNMENTS = frozenset(
    """
    gov int gov.ar gov.au gov.br gov.bd gov.cn gov.cz gov.gr gov.hk gov.ie gov.il gov.in gov.it gov.lt gov.lv gov.my
    gov.ng gov.ph gov.pk gov.pl gov.pt gov.scot gov.sg gov.si gov.sk gov.tr gov.tw gov.ua gov.uk gov.wales gov.za
    gob.ar gob.cl gob.es gob.mx gob.pe gouv.fr gc.ca govt.nz go.id go.jp go.ke go.kr go.th admin.ch bund.de
    europa.eu overheid.nl
    """.split()  # noqa: SIM905 - as above
)
NONPROFITS = frozenset({"ngo", "ong"})

OPEN_ENDINGS = frozenset({"org", "foundation", "community", "wiki", *NONPROFITS})
"""Endings that businesses seldom take: of a site there nobody is asked whether it is one."""

# Where projects without a site of their own send people; it says nothing about who they are.
_PLACES = frozenset(
    """
    github.com gitlab.com codeberg.org discord.gg discord.com opencollective.com mastodon.social fosstodon.org
    hachyderm.io twitter.com x.com bsky.app matrix.to t.me linkedin.com youtube.com zulipchat.com readthedocs.com
    """.split()  # noqa: SIM905 - as above
)
_PEOPLE = re.compile(r"^(?:alumni|home|homes?pages?|www-?users?|people|personal|pages?|staff|students?|users?|web)$")


class Institution(StrEnum):
    UNIVERSITY = "university"
    GOVERNMENT = "government"
    NONPROFIT = "nonprofit"


_KINDS = {
    **dict.fromkeys(UNIVERSITIES, Institution.UNIVERSITY),
    **dict.fromkeys(GOVERNMENTS, Institution.GOVERNMENT),
    **dict.fromkeys(NONPROFITS, Institution.NONPROFIT),
}


def institution(domain: str) -> Institution | None:
    """What has the domain: itself registered under such an ending, or a name next below one that is no person's."""
    kind, own = _taken_apart(domain)
    is_its = 1 <= len(own) <= 2 and not any(map(_PEOPLE.match, own))
    return kind if is_its else None


def is_whole(domain: str) -> bool:
    """Whether it is the institution's own domain, and no name below it, which could be that of a student's machine."""
    return len(_taken_apart(domain)[1]) == 1


def _taken_apart(domain: str) -> tuple[Institution | None, list[str]]:
    labels = domain.lower().split(".")
    length = next((length for length in (2, 1) if ".".join(labels[-length:]) in _KINDS), 0)
    return _KINDS.get(".".join(labels[-length:])) if length else None, labels[: len(labels) - length]


def host_of(address: str) -> str:
    """The host of a page's address, with or without ``https://``; empty for what is none."""
    text = address.strip().lower()
    try:
        host = urlsplit(text if "://" in text else f"https://{text}").hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")


def may_be_business(host: str) -> bool:
    """Whether a company could have its site there, as far as the name tells."""
    if "." not in host or institution(host) is not None:
        return False
    parts = host.split(".")
    above = {".".join(parts[up:]) for up in range(len(parts))}
    ending = ".".join(parts[-2:]) if ".".join(parts[-2:]) in suffixes.PUBLIC else parts[-1]
    is_open = ending in OPEN_ENDINGS or ending.startswith("org.") or ending in UNIVERSITIES | GOVERNMENTS
    return not (is_open or above & _PLACES or suffixes.shared_host(host))


_FORMS = re.compile(
    r"\b(?:inc|incorporated|llc|llp|ltd|limited|corp|corporation|gmbh|mbh|plc|pty|pvt|s\.?a\.?s|s\.?a\.?r\.?l|s\.?r\.?l"
    r"|b\.?v|n\.?v|a\.?g|o[uü]|oy|ab|a/s|aps|s\.?p\.?a|kft|z\s?o\.?o|kk|k\.k|company|technologies|solutions"
    r"|consulting|ventures|holdings?|enterprises?)\b\.?$",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"\b(?:we(?:'|’)?re hiring|we are hiring|our customers|for enterprises?|enterprise[- ](?:grade|ready|support)"
    r"|book a demo|pricing|free trial|start-?up|venture|y combinator|series [a-d]\b|saas|our clients|consultancy"
    r"|consulting|agency|freelance|managed (?:cloud|service)|commercial|the company behind|products? of)\b",
    re.IGNORECASE,
)


def legal_form(name: str) -> str:
    """The form of a company at the end of a name, as ``GmbH``, or nothing."""
    found = _FORMS.search(name.strip())
    return found.group() if found else ""


def selling_words(text: str) -> str:
    """Words by which a business speaks of itself, the first of them, or nothing."""
    found = _WORDS.search(text)
    return found.group() if found else ""
