"""Owners of projects as the mirror has them: organizations by name, people with ``user:`` before it. Pure.

A prefix keeps a person who is called like an organization apart from it: no name has a colon.
"""

from __future__ import annotations

import re

from freehold.errors import Invalid
from namespaces import names

USER_PREFIX = "user:"
_USER = re.compile(r"user:[!-~]+")
OWNER_MAX_LENGTH = 120


def parse_owner(text: str) -> str:
    """The owner as it is stored: an organization's normalized name, or ``user:NAME``; raises ``Invalid``."""
    if not text:
        return ""
    if len(text) > OWNER_MAX_LENGTH:
        raise Invalid(f"An owner has at most {OWNER_MAX_LENGTH} characters.")
    return _user(text) if text.startswith(USER_PREFIX) else _organization(text)


def _user(text: str) -> str:
    if _USER.fullmatch(text) is None:
        raise Invalid("After 'user:' comes the user's name, in printable ASCII characters without spaces.")
    return text


def _organization(text: str) -> str:
    try:
        return names.normalize(text)
    except names.InvalidName as error:
        raise Invalid(f"{text!a} is no owner: give an organization's name, or 'user:' and a user's name.") from error
