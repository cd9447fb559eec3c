"""``freehold org people`` and ``freehold org teams``."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from freehold_client.options import UsageError
from freehold_client.org_api import OrganizationApi, Row
from freehold_client.org_output import done, show

ROLES = ("owner", "manager", "billing", "member")
_AT_ONCE = 500


def member(api: OrganizationApi, who: str) -> Row:
    """Somebody in the organization, by e-mail address, by user name of the index, or by id."""
    for row in api.every("members"):
        names = {str(row["id"]), row["email"].lower(), (row.get("index_username") or "").lower()}
        if who.lower() in names - {""}:
            return row
    raise UsageError(f"There is nobody called {who!r} in the organization.")


def team(api: OrganizationApi, name: str) -> Row:
    """A team, by its name or by id."""
    for row in api.every("teams"):
        if name.casefold() == row["name"].casefold() or name == str(row["id"]):
            return row
    raise UsageError(f"There is no team {name!r} in the organization.")


def _list(api: OrganizationApi, options: argparse.Namespace) -> None:
    show(options, api.every("members"), ["id", "email", "index_username", "role", "second_factor"])


def _role(api: OrganizationApi, options: argparse.Namespace) -> None:
    row = api.patch("members", member(api, options.who)["id"], body={"role": options.role})
    done(options, f"{row['email']} is {row['role']}.", row)


def _remove(api: OrganizationApi, options: argparse.Namespace) -> None:
    row = member(api, options.who)
    api.delete("members", row["id"])
    done(options, f"{row['email']} is not in {api.name} any more.")


def _invite(api: OrganizationApi, options: argparse.Namespace) -> None:
    if bool(options.who) == bool(options.csv):
        raise UsageError("Name who is to be invited, or give a file with --csv.")
    people = list(_named(options)) if options.who else list(_read(options.csv, options.role))
    numbers = {name: team(api, name)["id"] for name in {name for person in people for name in person["teams"]}}
    wanted = [{**person, "teams": [numbers[name] for name in person["teams"]]} for person in people]
    outcomes: list[Row] = []
    for start in range(0, len(wanted), _AT_ONCE):
        outcomes += api.post("invitations", body={"invitations": wanted[start : start + _AT_ONCE]})["results"]
    show(options, outcomes, ["addressee", "outcome"])


def _named(options: argparse.Namespace) -> Iterator[Row]:
    for who in options.who:
        yield {_kind(who): who, "role": options.role, "teams": options.team}


def _kind(who: str) -> str:
    return "email" if "@" in who else "index_username"


def _read(path: Path, role: str) -> Iterator[Row]:
    """Rows of a CSV file with a header: ``email`` or ``username``, and where they are there ``role`` and ``teams``."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, cells in enumerate(csv.DictReader(file), 2):
            row = {str(name).strip().lower(): str(cell or "").strip() for name, cell in cells.items()}
            who = row.get("email") or row.get("username")
            if not who:
                raise UsageError(f"{path}, line {number}: there is neither an email nor a username.")
            teams = [name.strip() for name in row.get("teams", "").split(";") if name.strip()]
            yield {_kind(who): who, "role": row.get("role") or role, "teams": teams}


def _invitations(api: OrganizationApi, options: argparse.Namespace) -> None:
    rows = ({**row, "addressee": row["email"] or row["index_username"]} for row in api.every("invitations"))
    show(options, rows, ["id", "addressee", "role", "sent_at", "expires_at"])


def _resend(api: OrganizationApi, options: argparse.Namespace) -> None:
    row = api.post("invitations", options.invitation, "resend")
    done(options, f"Invitation {options.invitation} is sent again.", row)


def _revoke(api: OrganizationApi, options: argparse.Namespace) -> None:
    api.delete("invitations", options.invitation)
    done(options, f"Invitation {options.invitation} is revoked.")


def _teams(api: OrganizationApi, options: argparse.Namespace) -> None:
    show(options, api.every("teams"), ["id", "name", "description"])


def _team_members(api: OrganizationApi, options: argparse.Namespace) -> None:
    rows = api.every("teams", team(api, options.team)["id"], "members")
    show(options, rows, ["id", "email", "index_username", "role"])


def _create(api: OrganizationApi, options: argparse.Namespace) -> None:
    row = api.post("teams", body={"name": options.name, "description": options.description})
    done(options, f"The team {row['name']} is made; its id is {row['id']}.", row)


def _delete(api: OrganizationApi, options: argparse.Namespace) -> None:
    row = team(api, options.team)
    api.delete("teams", row["id"])
    done(options, f"The team {row['name']} is deleted.")


def _join(api: OrganizationApi, options: argparse.Namespace) -> None:
    found, people = team(api, options.team), [member(api, who) for who in options.who]
    for person in people:
        api.put("teams", found["id"], "members", person["id"])
    done(options, f"{', '.join(person['email'] for person in people)}: in the team {found['name']}.")


def _part(api: OrganizationApi, options: argparse.Namespace) -> None:
    found, people = team(api, options.team), [member(api, who) for who in options.who]
    for person in people:
        api.delete("teams", found["id"], "members", person["id"])
    done(options, f"{', '.join(person['email'] for person in people)}: not in the team {found['name']}.")


def add_to(top: Any) -> None:
    """Add both groups."""
    people = top.group("people", "Who is in the organization.")
    people.add("list", _list, "List them.")
    people.add("role", _role, "Give somebody another role.", "WHO").add_argument("role", choices=ROLES)
    people.add("remove", _remove, "Remove somebody.", "WHO", sure="Remove them, with their rights and tokens?")
    invite = people.add("invite", _invite, "Invite people.")
    invite.add_argument("who", metavar="WHO", nargs="*", help="an e-mail address, or a user name of the index")
    invite.add_argument("--role", choices=ROLES, default="member", help="member unless given")
    invite.add_argument("--team", metavar="TEAM", action="append", default=[], help="may be given several times")
    invite.add_argument(
        "--csv", metavar="FILE", type=Path, help="columns: email or username, role, teams (parted by ;)"
    )
    people.add("invitations", _invitations, "List the invitations that are not answered.")
    people.add("resend", _resend, "Send an invitation again.", "INVITATION")
    people.add("revoke", _revoke, "Revoke an invitation.", "INVITATION")
    teams = top.group("teams", "Named sets of members.")
    teams.add("list", _teams, "List them.")
    teams.add("members", _team_members, "List who is in one.", "TEAM")
    teams.add("create", _create, "Make one.", "NAME").add_argument("--description", default="")
    teams.add("delete", _delete, "Delete one.", "TEAM", sure="Delete the team, with its publishing rights?")
    teams.add("add", _join, "Put members into one.", "TEAM", "WHO...")
    teams.add("remove", _part, "Take members out of one.", "TEAM", "WHO...")
