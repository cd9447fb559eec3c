"""Who is to be invited, as people write it: lists pasted from a mail or a spreadsheet, and CSV files.

What can't be taken is told line by line, so that one slip among forty costs one line and not the list.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext

from accounts.identity import clean_username
from freehold.errors import Invalid
from orgs.models import Team
from orgs.vocabulary import Role

MOST = 500
"""Invitations in one go."""

EMAIL_LENGTH = 254
FILE_SIZE = 500_000
"""Bytes of a CSV file: far more than ``MOST`` lines take."""

_SHOWN = 200
_CELLS = re.compile(r"[,;\t]")
_IN_BRACKETS = re.compile(r"<([^<>]*)>")
_COLUMNS = {
    "email": ("email", "e-mail", "mail", "email address", "e-mail address", "address"),
    "username": ("username", "user name", "user", "index_username", "index user name"),
    "role": ("role",),
    "teams": ("teams", "team"),
}
_ROLES = {word: role for role in Role for word in (role.value, role.value + "s")}


@dataclass(frozen=True, kw_only=True)
class Invitee:
    """To whom a membership is offered: an e-mail address, or a user name of the index."""

    role: Role
    email: str = ""
    index_username: str = ""
    teams: tuple[Team, ...] = ()

    @property
    def addressee(self) -> str:
        return self.email or self.index_username


@dataclass(frozen=True, kw_only=True)
class Line:
    """One invitee as written. ``role`` and ``teams`` are empty where nothing was said; ``problem`` is a sentence."""

    number: int
    text: str
    email: str = ""
    index_username: str = ""
    role: Role | None = None
    teams: tuple[str, ...] = ()
    problem: str = ""


def clean_email(text: str) -> str:
    """The address in the form in which it is kept: lower case. Raises ``Invalid``."""
    address = text.strip()
    try:
        validate_email(address)
    except ValidationError as error:
        raise Invalid(gettext("“%(text)s” is no e-mail address.") % {"text": address[:60]}) from error
    if len(address) > EMAIL_LENGTH or not address.isascii():
        raise Invalid(gettext("An address has at most 254 characters, all of them ASCII."))
    return address.lower()


def addressee_of(text: str) -> dict[str, str]:
    """``email`` or ``index_username``, by what it looks like. Raises ``Invalid``."""
    if "@" not in text:
        return {"index_username": clean_username(text.strip())}
    return {"email": clean_email(_bare(text))}


def _bare(text: str) -> str:
    """The address in ``Ann Lee <ann@acme.example>``."""
    found = _IN_BRACKETS.search(text)
    return (found[1] if found else text).strip()


def read_paste(text: str) -> list[Line]:
    """One invitee a line, or several addresses beside each other; behind each, where it is said, its role and teams.

    Raises ``Invalid`` for too many.
    """
    found: list[Line] = []
    for number, line in enumerate(text.splitlines(), 1):
        if cells := [cell.strip() for cell in _CELLS.split(line) if cell.strip()]:
            found.extend(_people(number, line.strip()[:_SHOWN], cells))
    return _few(found)


def _people(number: int, text: str, cells: Sequence[str]) -> Iterator[Line]:
    """Each cell with an @ begins another person; a line without any is about a user name."""
    starts = [place for place, cell in enumerate(cells) if "@" in cell] or [0]
    before = cells[: starts[0]]
    if before and "<" not in cells[starts[0]]:  # and not the "Lee, Ann <ann@acme.example>" of a mail program
        problem = gettext("Write the address first; “%(text)s” stands before it.") % {"text": before[0]}
        yield Line(number=number, text=text, problem=problem)
        return
    for start, end in zip(starts, [*starts[1:], len(cells)], strict=True):
        yield _line(number, text if len(starts) == 1 else cells[start], cells[start], cells[start + 1 : end])


def _line(number: int, text: str, addressee: str, words: Sequence[str]) -> Line:
    """What is said behind an addressee: roles are known by their names, and all else is the name of a team."""
    roles = [word for word in words if word.casefold() in _ROLES]
    teams = tuple(word for word in words if word.casefold() not in _ROLES)
    if len(roles) > 1:
        return Line(number=number, text=text, problem=gettext("Somebody has one role, not several."))
    return _addressed(number, text, addressee, roles[0] if roles else "", teams)


def _addressed(number: int, text: str, addressee: str, role: str, teams: tuple[str, ...]) -> Line:
    try:
        return Line(number=number, text=text, role=_ROLES.get(role.casefold()), teams=teams, **addressee_of(addressee))
    except Invalid as error:
        return Line(number=number, text=text, problem=error.message)


def read_csv(data: bytes | str) -> list[Line]:
    """A file with the header ``email,role,teams`` or ``username,role,teams``; teams are parted by semicolons.

    Without such a header it is read as what was pasted. Raises ``Invalid`` for what is no text.
    """
    text = data if isinstance(data, str) else _decoded(data)
    header = _split(text.split("\n", 1)[0])
    columns = {_column(cell): place for place, cell in enumerate(header) if _column(cell)}
    if not columns.keys() & {"email", "username"}:
        return read_paste(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        next(reader)
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Invalid(gettext("This is no CSV file: %(reason)s.") % {"reason": error}) from error
    return _few([_row(number, row, columns) for number, row in rows])


def _row(number: int, row: Sequence[str], columns: dict[str, int]) -> Line:
    cells = {column: row[place] for column, place in columns.items() if place < len(row)}
    teams = tuple(_teams(cells.pop("teams", "")))
    email, username, role = (cells.get(column, "").strip() for column in ("email", "username", "role"))
    text = ", ".join(cell for cell in (email, username, role, *teams) if cell)[:_SHOWN]
    if role and role.casefold() not in _ROLES:
        return Line(number=number, text=text, problem=gettext("There is no role “%(role)s”.") % {"role": role[:_SHOWN]})
    return _addressed(number, text, email or username, role, teams)


def _teams(cell: str) -> list[str]:
    """One a line, or parted by semicolons."""
    found = cell.splitlines() if "\n" in cell or "\r" in cell else cell.split(";")
    return [name.strip() for name in found if name.strip()]


def written(lines: Iterable[Line]) -> str:
    """The lines as CSV, which ``read_csv`` reads as the same lines."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["email", "username", "role", "teams"])
    for line in lines:
        teams = "".join(f"{name}\n" for name in line.teams)
        writer.writerow([line.email, line.index_username, line.role.value if line.role else "", teams])
    return out.getvalue()


def _few(lines: list[Line]) -> list[Line]:
    if len(lines) > MOST:
        raise Invalid(
            gettext("At most %(most)s people are invited in one go, not %(count)s.")
            % {"most": MOST, "count": len(lines)}
        )
    return lines


def _decoded(data: bytes) -> str:
    if len(data) > FILE_SIZE:
        raise Invalid(gettext("The file is too large: a list of people has at most %(most)s lines.") % {"most": MOST})
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(gettext("The file is not UTF-8 text: save it as “CSV UTF-8”, and try again.")) from error
    return text.replace("\x00", "")


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _split(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in _CELLS.split(line.lstrip("\ufeff"))]


def _column(cell: str) -> str:
    return next((column for column, spellings in _COLUMNS.items() if cell.casefold() in spellings), "")
