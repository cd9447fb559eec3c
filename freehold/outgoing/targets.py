"""Where a URL leads, and whether we would go there: all that can be said of it, before and after the look-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, urljoin, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from freehold.outgoing import endpoints, names
from freehold.outgoing.addresses import is_public
from freehold.outgoing.errors import Refused

URL_LENGTH = 2000
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Target:
    """A URL taken apart. ``host`` is a name in ASCII or, ``is_literal``, an IP address without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    is_literal: bool

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.has_own_port else f"{host}:{self.port}"

    @property
    def has_own_port(self) -> bool:
        return self.port == _PORTS[self.scheme]

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def is_excepted(self) -> bool:
        """Named in ``FREEHOLD_OUTGOING_ALLOW``."""
        return (self.host, self.port) in exceptions()


def exceptions() -> frozenset[endpoints.Endpoint]:
    """Targets that need not be public, by the operator's word."""
    return _parsed(tuple(settings.FREEHOLD_OUTGOING_ALLOW))


@cache
def _parsed(words: tuple[str, ...]) -> frozenset[endpoints.Endpoint]:
    return frozenset(map(endpoints.parse, words))


def may_be_plain(url: str) -> bool:
    """Whether it is to be asked without TLS: only what the operator excepted by name is."""
    try:
        target = parse(url, insecure=True)
    except Refused:
        return False
    return target.scheme == "http" and target.is_excepted


def parse(url: str, *, insecure: bool = False) -> Target:
    """Take it apart, strictly; raises ``Refused`` for what we would not go to wherever its name leads."""
    parts = _split(url)
    if parts.scheme not in ({"https", "http"} if insecure else {"https"}):
        raise Refused(_("The address must begin with https://."))
    if "@" in parts.netloc:
        raise Refused(_("The address must have no user and no password."))
    host, is_literal = _host(parts)
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise Refused(_("The address must be ASCII after the host's name; other characters are escaped there."))
    target = Target(parts.scheme, host, port, path, is_literal)
    _check_host_and_port(target)
    return target


def follow(target: Target, location: str, *, insecure: bool) -> Target:
    """Where a redirect leads, judged from the start."""
    _check_characters(location)
    try:
        url = urljoin(target.url, location)
    except ValueError as error:
        raise _no_url() from error
    return parse(url, insecure=insecure)


def admit(target: Target, addresses: Sequence[str]) -> None:
    """Raises ``Refused`` unless we may connect to every one of the addresses that its name leads to."""
    if target.is_excepted:
        return
    excepted = exceptions()
    for address in addresses:
        if (endpoints.canonical(address), target.port) in excepted:
            continue
        if not is_public(address):
            raise Refused(_("The host's name leads to an address that is not public."))
        if not target.has_own_port:
            raise _wrong_port(target)


def _split(url: str) -> SplitResult:
    _check_characters(url)
    try:
        parts = urlsplit(url)
        _port = parts.port  # read to be checked
    except ValueError as error:
        raise _no_url() from error
    return parts


def _check_characters(url: str) -> None:
    """Before any parser sees it: they differ in what they strip, and in what they take for a slash."""
    if len(url) > URL_LENGTH:
        raise Refused(_("The address must have at most %(length)d characters.") % {"length": URL_LENGTH})
    if not url.isprintable() or any(character in url for character in ' \\"<>^`{|}'):
        raise _no_url()


def _host(parts: SplitResult) -> tuple[str, bool]:
    host = parts.hostname or ""
    if not host:
        raise Refused(_("The address must name a host."))
    try:
        if "[" in parts.netloc:
            return str(IPv6Address(host)), True
        return str(IPv4Address(host)), True
    except AddressValueError as error:
        if "[" in parts.netloc:
            raise _no_url() from error
        return names.encode(host), False


def _check_host_and_port(target: Target) -> None:
    if target.is_excepted:
        return
    by_address = any(port == target.port and names.is_address(host) for host, port in exceptions())
    if not (target.has_own_port or by_address):  # else ``admit`` sees, once the addresses are known
        raise _wrong_port(target)
    if target.is_literal:
        raise Refused(_("The address must name a host; it can't be the number of one."))
    if "." not in target.host or target.host.endswith(".localhost"):
        raise Refused(_("The address must name a host that can be reached from everywhere."))


def _wrong_port(target: Target) -> Refused:
    return Refused(_("The address must not name a port other than %(port)d.") % {"port": _PORTS[target.scheme]})


def _no_url() -> Refused:
    return Refused(_("That is not a valid address of a page."))
