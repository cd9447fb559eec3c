"""Names as the DNS has them. Pure."""

from __future__ import annotations

import re
from ipaddress import ip_address

import idna
from django.utils.translation import gettext as _

from freehold.outgoing.errors import Refused

NAME_LENGTH = 253
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def encode(name: str) -> str:
    """The name in ASCII, lower-case, without a final dot; raises ``Refused`` for what can be none.

    An IP address is none, in whatever spelling: a name whose last label is a number is read as an address by some
    (WHATWG URL, "ends in a number").
    """
    if len(name) > 4 * NAME_LENGTH:  # before any work that grows with it
        raise _no_name()
    labels = _mapped(name).removesuffix(".").split(".")
    labels = [label if label.isascii() else _alabel(label) for label in labels]
    if not all(map(_LABEL.fullmatch, labels)) or _NUMBER.fullmatch(labels[-1]):
        raise _no_name()
    if len(found := ".".join(labels)) > NAME_LENGTH:
        raise _no_name()
    return found


def is_address(host: str) -> bool:
    """Whether it is an IP address, without brackets."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _mapped(name: str) -> str:
    if name.isascii():
        return name.lower()
    try:
        return idna.uts46_remap(name, std3_rules=False)
    except (idna.IDNAError, IndexError) as error:
        raise _no_name() from error


def _alabel(label: str) -> str:
    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError as error:
        raise _no_name() from error


def _no_name() -> Refused:
    return Refused(_("That is not the name of a host or a domain."))
