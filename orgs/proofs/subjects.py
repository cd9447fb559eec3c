"""What a proof is about: read from what people type, stored in one spelling, shown as people know it. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

import idna
from django.utils.translation import gettext as _

from freehold.errors import Invalid
from freehold.outgoing import names
from freehold.outgoing.errors import Refused
from orgs.proofs import suffixes
from orgs.proofs.records import LABEL

TYPED_LENGTH = 500
DOMAIN_LENGTH = names.NAME_LENGTH - len(LABEL) - 1
SUBJECT_LENGTH = 300
ADDRESS_LENGTH = 254
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_OWNER = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,98}[a-z0-9_-])?")
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class ShownDomain:
    """``text`` as people know it; ``ascii`` beside it where that is another spelling, else empty."""

    text: str
    ascii: str


def domain(typed: str) -> str:
    """A registered or registrable domain in ASCII; raises ``Invalid``. An address of a page gives its domain, and
    ``www.`` in front of a whole domain is dropped: what is proved is looked for at the domain itself."""
    return _without_www(_domain(typed))


def _without_www(found: str) -> str:
    rest = found.removeprefix("www.")
    is_whole = "." in rest and not suffixes.is_public(rest)
    return _without_www(rest) if is_whole and rest != found else found


def _domain(typed: str) -> str:
    text = _clean(typed)
    if "://" in text:
        text = _host_of(text)
    if "@" in text or "/" in text or ":" in text:
        raise Invalid(_("Enter the domain alone, such as acme.example, without a path, a port or an @."))
    if "*" in text:
        raise Invalid(_("Enter the domain without a wildcard: what you prove counts for it, not for names below it."))
    found = _encoded(text)
    if "." not in found:
        raise Invalid(_("Enter a whole domain, such as acme.example: “%(text)s” has one part only.") % {"text": text})
    if any("_" in label for label in found.split(".")):
        raise Invalid(_("Enter the domain itself, without the record's name in front of it."))
    _check_suffix(found)
    return found


def _clean(typed: str) -> str:
    text = typed.strip()
    if not text or len(text) > TYPED_LENGTH or not text.isprintable():
        raise Invalid(_("Enter one line of at most %(count)d characters.") % {"count": TYPED_LENGTH})
    return text


def _host_of(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Invalid(_("That is not a domain; enter one such as acme.example.")) from error
    if not host or port is not None or parts.username is not None or parts.scheme not in {"http", "https"}:
        raise Invalid(_("Enter the domain alone, such as acme.example, without a path, a port or an @."))
    return host


def _encoded(text: str) -> str:
    try:
        found = names.encode(text)
    except Refused as error:
        raise Invalid(_("“%(text)s” is not a domain; enter one such as acme.example.") % {"text": text}) from error
    if len(found) > DOMAIN_LENGTH:
        raise Invalid(_("The domain has more than %(count)d characters.") % {"count": DOMAIN_LENGTH})
    return found


def _check_suffix(found: str) -> None:
    if host := suffixes.shared_host(found):
        raise Invalid(
            _("Anybody can have a name below %(host)s, so it does not tell who you are. Use a domain of your own.")
            % {"host": host}
        )
    if suffixes.is_public(found):
        raise Invalid(_("Domains are registered under %(domain)s; enter yours in full.") % {"domain": found})


def mailbox(typed: str) -> tuple[str, str]:
    """The address in one spelling, and its domain; raises ``Invalid``."""
    local, at, host = _clean(typed).rpartition("@")
    if not at or not _MAILBOX.fullmatch(local) or len(local) > 64:
        raise Invalid(_("Enter a whole e-mail address, such as hello@acme.example."))
    found = _domain(host)
    if provider := suffixes.mail_host(found):
        raise Invalid(
            _("Anybody can have a mailbox at %(host)s. Use an address at your organization's own domain.")
            % {"host": provider}
        )
    if len(address := f"{local}@{found}") > ADDRESS_LENGTH:
        raise Invalid(_("That address is too long."))
    return address, found


def forge(typed: str) -> str:
    """The address of an account on a forge, such as ``https://github.com/acme``; raises ``Invalid``."""
    text = _clean(typed)
    parts = _forge_parts(text if "://" in text else f"https://{text}")
    host = _encoded(parts[0])
    *above, owner = parts[1]
    owner = owner.lower()
    if "." not in host or not _OWNER.fullmatch(owner) or owner.endswith((".git", ".atom")):
        raise _no_forge()
    if not all(map(_SEGMENT.fullmatch, above)) or len(above) > 3:
        raise _no_forge()
    subject = f"https://{'/'.join([host, *above, owner])}"
    if len(subject) > SUBJECT_LENGTH:
        raise _no_forge()
    return subject


def _forge_parts(address: str) -> tuple[str, list[str]]:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise _no_forge() from error
    segments = [segment for segment in parts.path.split("/") if segment]
    extra = port is not None or parts.username is not None or parts.query or parts.fragment
    if parts.scheme not in {"http", "https"} or not parts.hostname or not segments or extra:
        raise _no_forge()
    return parts.hostname.removeprefix("www."), segments


def _no_forge() -> Invalid:
    return Invalid(_("Enter the address of your organization's page, such as https://github.com/acme."))


def shown_domain(found: str) -> ShownDomain:
    """A domain in letters of one script is shown in them; one that mixes scripts could pass for another, and is not."""
    try:
        text = idna.decode(found)
    except idna.IDNAError:
        return ShownDomain(found, "")
    if text == found or any(_is_mixed(label) for label in text.split(".")):
        return ShownDomain(found, "")
    return ShownDomain(text, found)


# Scripts that one language uses together (Unicode Technical Standard 39, "highly restrictive").
_TOGETHER = (
    {"LATIN", "CJK", "HIRAGANA", "KATAKANA"},
    {"LATIN", "CJK", "BOPOMOFO"},
    {"LATIN", "CJK", "HANGUL"},
)
# Single scripts whose letters pass for Latin ones: shown only with a letter that has no such double.
_DOUBLES = frozenset("асеорхуіјѕһԁԛԝӏкмтвнгпляԍꙅαορνικτυωσ")


def _is_mixed(label: str) -> bool:
    letters = [character for character in label if unicodedata.category(character).startswith(("L", "M"))]
    scripts = {unicodedata.name(letter, "UNKNOWN").split()[0].split("-")[0] for letter in letters}
    scripts -= {"COMBINING"}
    if scripts & {"CYRILLIC", "GREEK"} and all(letter in _DOUBLES for letter in letters):
        return True
    return len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER)
