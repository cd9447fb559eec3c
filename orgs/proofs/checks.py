"""Looking for the evidence: the one module of proofs that goes out.

Every answer is an ``Observation``: what could not be seen is kept apart from what is not there, and no look takes
longer than its seconds. Nothing here touches the database, so that none of its locks is held meanwhile.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from freehold.outgoing import dns, http, targets
from freehold.outgoing.errors import Elsewhere, NotThere, OutgoingError
from orgs.proofs import forges, hints, observations, records
from orgs.proofs.observations import Finding, Hint, Medium, Observation
from orgs.vocabulary import ProofKind

DNS_SECONDS = 4.0
HINT_SECONDS = 1.5
FILE_SECONDS = 8.0
FORGE_SECONDS = 4.0
FILE_BYTES = 64 * 1024
_GONE = frozenset({404, 410})


def check_domain(kind: ProofKind, domain: str, challenge: str) -> Observation:
    """Look for the challenge of a domain, by ``dns`` or ``https``; ``domain`` as ``subjects`` made it."""
    if kind is ProofKind.DNS:
        return check_dns(domain, challenge)
    if kind is ProofKind.HTTPS:
        url = records.file_url(domain, settings.FREEHOLD_PROOF_PORT)
        return check_file(url, challenge, Medium.FILE, seconds=FILE_SECONDS)
    raise ValueError(f"{kind} does not prove a domain by itself")


def check_dns(domain: str, challenge: str) -> Observation:
    """The TXT record below the domain; other records beside it don't matter."""
    where, expected = records.record_name(domain), records.text_of(challenge)
    try:
        values = dns.txt(where, seconds=DNS_SECONDS)
    except NotThere:
        values = []
    except OutgoingError as error:
        return observations.unchecked(Medium.TXT, where, expected, error.message)
    if expected in values:
        return observations.found(Medium.TXT, where, expected)
    told = hints.of_values(expected, values) or _misplaced(domain, expected)
    return observations.not_found(Medium.TXT, where, expected, values=values, hints=told)


def _misplaced(domain: str, expected: str) -> list[str]:
    """Whether the record is where people often put it by mistake."""
    places = {f"{records.record_name(domain)}.{domain}": Hint.TWICE, domain: Hint.APEX}
    return [hint for place, hint in places.items() if expected in _texts(place)]


def _texts(name: str) -> list[str]:
    with suppress(OutgoingError):
        return dns.txt(name, seconds=HINT_SECONDS)
    return []


def check_file(url: str, challenge: str, medium: Medium, *, seconds: float) -> Observation:
    """A text file that has the line. It may be on the same host, its ``www.`` or the domain without; nowhere else, nor
    by way of anywhere else: who runs a host that it leads over could answer in its place."""
    expected = records.text_of(challenge)
    try:
        reply = http.get(
            url,
            accept="text/plain",
            max_bytes=FILE_BYTES,
            seconds=seconds,
            follows=partial(_is_same_site, url),
            insecure=targets.may_be_plain(url),
        )
    except Elsewhere as error:
        reason = _("It leads to %(url)s.") % {"url": observations.shown(error.url)}
        return observations.not_found(medium, url, expected, hints=[Hint.ELSEWHERE], reason=reason)
    except NotThere as error:
        return observations.not_found(medium, url, expected, reason=error.message)
    except OutgoingError as error:
        return observations.unchecked(medium, url, expected, error.message)
    return _judged(reply, url, expected, medium)


def _judged(reply: http.Reply, url: str, expected: str, medium: Medium) -> Observation:
    if reply.status in _GONE:
        return observations.not_found(medium, url, expected)
    if reply.status != 200:
        reason = _("The server answered with status %(status)d.") % {"status": reply.status}
        return observations.unchecked(medium, url, expected, reason)
    if not _is_plain(reply):
        reason = _("What is there is no plain text.")
        return observations.not_found(medium, url, expected, hints=[Hint.PAGE], reason=reason)
    lines = [line.strip() for line in reply.body.decode("utf-8-sig", "replace").splitlines()]
    if expected in lines:
        return observations.found(medium, url, expected)
    values = [line for line in lines if line]
    return observations.not_found(medium, url, expected, values=values, hints=hints.of_values(expected, values))


def _is_same_site(asked: str, answered: str) -> bool:
    before, after = urlsplit(asked), urlsplit(answered)
    same_host = _without_www(before.hostname or "") == _without_www(after.hostname or "")
    return after.scheme == before.scheme and same_host and before.port == after.port


def _without_www(host: str) -> str:
    return host.removeprefix("www.")


def _is_plain(reply: http.Reply) -> bool:
    media_type = reply.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    return media_type.startswith("text/") and media_type != "text/html"


def check_forge(subject: str, challenge: str, owner_id: int | None = None) -> Observation:
    """The public file of an account on a forge. ``owner_id`` is the number by which the forge knew it when it was
    verified: an account of the same name with another number is somebody else's.
    """
    account = forges.account(subject, settings.FREEHOLD_FORGES, settings.FREEHOLD_PROOF_PORT)
    looks: list[Observation] = []
    for url in account.files:
        look = check_file(url, challenge, Medium.FORGE, seconds=FORGE_SECONDS)
        if look.is_found:
            return _of_account(look, _number_of(account), owner_id)
        if look.finding is Finding.UNCHECKED:
            return look
        looks.append(look)
    return max(looks, key=lambda look: (bool(look.hints), bool(look.found)))


def _of_account(look: Observation, number: int | None, before: int | None) -> Observation:
    if number is None:
        return look
    if before is not None and number != before:
        reason = _("The account was made anew since it was verified.")
        lost = observations.not_found(look.medium, look.where, look.expected, hints=[Hint.OWNER_CHANGED], reason=reason)
        return observations.with_facts(lost, owner_id=number)
    return observations.with_facts(look, owner_id=number)


def _number_of(account: forges.Account) -> int | None:
    """As the forge tells it, if it does."""
    for url in account.profiles:
        try:
            plain = targets.may_be_plain(url)
            reply = http.get(
                url, accept="application/json", max_bytes=FILE_BYTES, seconds=FORGE_SECONDS, insecure=plain
            )
            answer = json.loads(reply.body) if reply.status == 200 else None
        except (OutgoingError, ValueError, RecursionError):
            return None
        if isinstance(answer, list):
            answer = answer[0] if answer else None
        if isinstance(answer, dict) and type(answer.get("id")) is int:
            return int(answer["id"])
    return None
