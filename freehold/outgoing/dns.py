"""Asking the DNS, in bounded time, and believing a "no" only from a server that says so.

Servers come from ``FREEHOLD_DNS_SERVERS``, else they are those of the system. Nothing is cached here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
from django.conf import settings
from django.utils.translation import gettext as _

from freehold.outgoing import endpoints, names
from freehold.outgoing.deadline import Deadline
from freehold.outgoing.errors import NotThere, OutgoingError, TooMuch, Unreachable

RECORDS = 100
TEXT_BYTES = 64 * 1024
_ALIASES = 8  # how often an alias is followed by asking again; a resolver follows them itself
_ROUNDS = 3
_TRY_SECONDS = 2.0
_UDP_BYTES = 1232  # what fits unfragmented everywhere (DNS flag day 2020)


def txt(name: str, *, seconds: float = 5.0) -> list[str]:
    """The TXT records of the name, each with its strings joined.

    Raises ``NotThere``, ``Unreachable``, ``TooMuch`` over 100 records or 64 KiB, ``Refused`` for what is no name.
    """
    found = [b"".join(record.strings) for record in _records(name, dns.rdatatype.TXT, Deadline(seconds))]
    if sum(map(len, found)) > TEXT_BYTES:
        raise _too_many()
    return [text.decode("utf-8", "replace") for text in found]


def addresses(host: str, *, seconds: float = 5.0) -> list[str]:
    """The host's IPv4 and IPv6 addresses, in this order; one at least. Raises as ``txt`` does.

    Addresses of one kind are enough where the other kind could not be asked for.
    """
    deadline = Deadline(seconds)
    found: list[str] = []
    failures: list[OutgoingError] = []
    for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
        try:
            within = Deadline(deadline.left() / 2) if found else deadline
            found += [record.address for record in _records(host, kind, within)]
        except (NotThere, Unreachable) as error:
            failures.append(error)
    if not found:
        raise _worst(failures)
    return found


def _worst(failures: Iterable[OutgoingError]) -> OutgoingError:
    """It is not there only if all say so."""
    return min(failures, key=lambda error: isinstance(error, NotThere))


def _records(name: str, kind: dns.rdatatype.RdataType, deadline: Deadline) -> list[Any]:
    asked = dns.name.from_text(names.encode(name))
    for _hop in range(_ALIASES):
        chain = _chain(_response(asked, kind, deadline))
        if chain.answer is not None:
            if len(chain.answer) > RECORDS:
                raise _too_many()
            return list(chain.answer)
        if chain.canonical_name == asked:
            raise NotThere(_("The DNS has no such record."))
        asked = chain.canonical_name  # where the alias leads is for a question of its own
    raise Unreachable(_("In the DNS, one alias leads to the next without end."))


def _chain(response: dns.message.QueryMessage) -> dns.message.ChainingResult:
    try:
        chain = response.resolve_chaining()
    except dns.exception.DNSException as error:
        raise Unreachable(_("The DNS gave an answer that makes no sense.")) from error
    if response.rcode() == dns.rcode.NXDOMAIN:
        raise NotThere(_("The DNS has no such name."))
    return chain


def _response(name: dns.name.Name, kind: dns.rdatatype.RdataType, deadline: Deadline) -> dns.message.QueryMessage:
    """The first answer that can be believed, of any server; none is asked again that has failed for good."""
    servers = _servers()
    for _round in range(_ROUNDS):
        for server in list(servers):
            seconds = min(_TRY_SECONDS, deadline.left())
            try:
                response = _asked(server, name, kind, Deadline(seconds))
            except (dns.exception.Timeout, Unreachable):
                continue
            except (dns.exception.DNSException, OSError, EOFError):
                response = None
            if response is not None and _is_believable(response):
                return response
            servers.remove(server)
    if servers:
        raise deadline.missed()
    raise Unreachable(_("The DNS could not be asked: its servers failed."))


def _asked(
    server: endpoints.Endpoint, name: dns.name.Name, kind: dns.rdatatype.RdataType, deadline: Deadline
) -> dns.message.QueryMessage:
    host, port = server
    query = dns.message.make_query(name, kind, use_edns=0, payload=_UDP_BYTES)
    try:
        response = dns.query.udp(
            query,
            host,
            deadline.left(),
            port,
            ignore_unexpected=True,
            raise_on_truncation=True,
            ignore_errors=True,
        )
    except dns.message.Truncated:
        response = dns.query.tcp(query, host, deadline.left(), port)
    return cast("dns.message.QueryMessage", response)


def _is_believable(response: dns.message.QueryMessage) -> bool:
    """A "no" counts from a resolver, or from the authority: an empty answer of any other server is a referral."""
    if response.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN} or response.flags & dns.flags.TC:
        return False
    return bool(response.answer or response.flags & (dns.flags.RA | dns.flags.AA))


def _servers() -> list[endpoints.Endpoint]:
    if settings.FREEHOLD_DNS_SERVERS:
        return [endpoints.parse(word, 53) for word in settings.FREEHOLD_DNS_SERVERS]
    try:
        return [(str(address), 53) for address in dns.resolver.Resolver().nameservers]
    except dns.resolver.NoResolverConfiguration as error:
        raise Unreachable(_("The DNS could not be asked: this machine knows no server.")) from error


def _too_many() -> TooMuch:
    return TooMuch(
        _("The DNS has more than %(records)d records there, or more than %(kib)d KiB.")
        % {"records": RECORDS, "kib": TEXT_BYTES // 1024}
    )
