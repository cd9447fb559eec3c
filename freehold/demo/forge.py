"""The demo's code forge: organizations that its visitors make up, each with a repository and the file of a proof.

Kept in a small file, as the records of the demo's DNS are. What it tells programs is what Forgejo would.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orgs.proofs.records import FILE

MOST = 100
PROFILE = ".profile"
LICENCES = ("MIT", "Apache-2.0", "BSD-3-Clause", "GPL-3.0", "MPL-2.0", "BUSL-1.1", "")
RELEASED = 40
"""Days since the release of whatever is older."""
_NEXT = 1000


class Full(Exception):
    """There is no room for another organization; the message says so to people."""


@dataclass(frozen=True)
class Place:
    """An organization with its one repository. ``lines`` are those of the file of proofs, in the repository of the
    account's profile; ``begun`` is how many days ago the repository was."""

    owner: str
    repository: str
    number: int = 0
    licence: str = "MIT"
    stars: int = 120
    begun: int = 800
    website: str = ""
    lines: list[str] = field(default_factory=list)


def read(path: Path) -> dict[str, Place]:
    """By owner; empty for a file that is not there or makes no sense."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {owner: Place(**told) for owner, told in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def publish(path: Path, place: Place, line: str) -> None:
    """Make the organization, or make it anew with the lines that it has; raises ``Full``."""
    with _changing(path) as places:
        former = places.get(place.owner)
        lines = [*(former.lines if former else []), *([line] if line else [])]
        number = former.number if former else max((each.number for each in places.values()), default=_NEXT) + 1
        told = {**asdict(place), "lines": list(dict.fromkeys(lines)), "number": number}
        places[place.owner] = Place(**told)
        if len(places) > MOST:
            raise Full("The demo's forge is full. Remove organizations that are not needed.")


def remove(path: Path, owner: str) -> None:
    """Take an organization away; one that is not there is none."""
    with _changing(path) as places:
        places.pop(owner, None)


@contextmanager
def _changing(path: Path) -> Iterator[dict[str, Place]]:
    """The organizations, written back in one piece. Nobody else changes them meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        places = read(path)
        yield places
        written = path.with_suffix(".new")
        told = {owner: asdict(place) for owner, place in places.items()}
        written.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        written.replace(path)


# --- What programs are told -------------------------------------------------------------------------------------------


def answer(places: dict[str, Place], asked: str, now: datetime) -> Any:
    """What is at the path below ``/api/v1/``, as JSON or, for a file, as text; None for nothing."""
    kind, owner, *rest = [*asked.split("/"), ""][:6]
    place = places.get(owner)
    if place is None:
        return None
    if kind in {"orgs", "users"}:
        return _of_account(place, rest, now)
    return _of_repository(place, rest, now) if kind == "repos" else None


def _of_account(place: Place, rest: list[str], now: datetime) -> Any:
    if rest[:1] == ["repos"]:
        return [repository(place, now)]
    return account(place) if rest in ([], [""]) else None


def _of_repository(place: Place, rest: list[str], now: datetime) -> Any:
    match rest:
        case [name, "raw", file, *_]:
            return _file(place, name, file)
        case [name, "commits", *_] if name == place.repository:
            return [_commit(now - timedelta(days=days)) for days in range(3, 180, 9) if days <= place.begun]
        case [name, "releases", *_] if name == place.repository and place.begun > RELEASED:
            return [{"tag_name": "1.0", "draft": False, "published_at": _at(now - timedelta(days=RELEASED))}]
        case [name, "releases", *_] if name == place.repository:
            return []
        case _:
            return None


def account(place: Place) -> dict[str, Any]:
    return {"id": place.number, "username": place.owner, "description": "", "website": place.website}


def repository(place: Place, now: datetime) -> dict[str, Any]:
    return {
        "name": place.repository,
        "private": False,
        "fork": False,
        "mirror": False,
        "empty": False,
        "archived": False,
        "stars_count": place.stars,
        "forks_count": place.stars // 10,
        "created_at": _at(now - timedelta(days=place.begun)),
        "updated_at": _at(now - timedelta(days=min(3, place.begun))),
        "licenses": [place.licence] if place.licence else [],
    }


def _commit(at: datetime) -> dict[str, Any]:
    return {"created": _at(at), "commit": {"committer": {"date": _at(at)}}}


def _file(place: Place, repository: str, file: str) -> str | None:
    """The proof's file is where a visitor would put it: in the profile's repository."""
    if repository != PROFILE or file != FILE or not place.lines:
        return None
    return "".join(f"{line}\n" for line in place.lines)


def _at(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
