"""``freehold org``: an organization's people, teams, namespaces, publishers, tokens, proofs and audit trail.

The organization is ``--organization`` or ``FREEHOLD_ORGANIZATION``; its API token ``FREEHOLD_TOKEN`` or the first line
of ``--token-file``, and never an argument: those are seen by everybody on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from freehold_client import org_people, org_things
from freehold_client.errors import FreeholdUnavailable
from freehold_client.options import UsageError, configured, freehold_url, write
from freehold_client.org_api import OrganizationApi
from freehold_client.org_output import show_one, text

Act = Callable[[OrganizationApi, argparse.Namespace], None]
_FOLLOW_SECONDS = 5.0


def run(options: argparse.Namespace) -> int:
    """Carry out one of the commands; 0, or what it raises."""
    name = options.organization or os.environ.get("FREEHOLD_ORGANIZATION")
    if not name:
        raise UsageError("Say which organization: set FREEHOLD_ORGANIZATION, or give --organization.")
    if options.sure:
        _make_sure(options)
    token = _token(options)
    api: OrganizationApi = configured(lambda: OrganizationApi(freehold_url(options), token, name))
    with api:
        options.act(api, options)
    return 0


def _token(options: argparse.Namespace) -> str:
    if options.token_file:
        lines = Path(options.token_file).read_text(encoding="ascii").split()
        if not lines:
            raise UsageError(f"There is no token in {options.token_file}.")
        return lines[0]
    token = os.environ.get("FREEHOLD_TOKEN")
    if not token:
        raise UsageError("Give the organization's API token in FREEHOLD_TOKEN, or name a file with --token-file.")
    return token


def _make_sure(options: argparse.Namespace) -> None:
    """Ask, before what can't be taken back; ``--yes`` has said so."""
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("This can't be taken back. Add --yes to do it without being asked.")
    sys.stderr.write(f"{options.sure} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("Nothing was done.")


def _show(api: OrganizationApi, options: argparse.Namespace) -> None:
    show_one(options, api.get())


def _audit(api: OrganizationApi, options: argparse.Namespace) -> None:
    """Print what there is, and with ``--follow`` what comes, until it is stopped. It loses no event."""
    query = {"action": options.action} if options.action else {}
    after = options.after
    while True:
        try:
            for event in api.every("audit", after=after, **query):
                _print_event(options, event)
                after = max(after, int(event["position"]))
        except FreeholdUnavailable as error:
            if not options.follow:
                raise
            sys.stderr.write(f"freehold: {error} Trying again.\n")
        if not options.follow:
            return
        sys.stdout.flush()
        time.sleep(options.interval)


def _print_event(options: argparse.Namespace, event: dict[str, Any]) -> None:
    if options.json:
        write(json.dumps(event))
        return
    change = "  ".join(f"{key} {text(event[key])}" for key in ("before", "after") if event.get(key))
    write(
        f"{event['position']}  {text(event['at'])}  {text(event['actor'])}  {text(event['action'])}  "
        f"{text(event['target'])}  {change}".rstrip()
    )


class Commands:
    """The parser of a group of commands, such as ``freehold org teams``."""

    def __init__(self, parsers: Any) -> None:
        self._parsers = parsers

    def group(self, name: str, summary: str) -> Commands:
        """A group within the group."""
        parser = self._parsers.add_parser(
            name,
            help=summary,
            description=summary,
            allow_abbrev=False,  # "--token" is not "--token-file"
        )
        return Commands(parser.add_subparsers(required=True, metavar="COMMAND"))

    def add(self, name: str, act: Act, summary: str, *arguments: str, sure: str = "") -> argparse.ArgumentParser:
        """A command with these positional arguments; with ``sure``, a question, it is asked before it is done."""
        parser: argparse.ArgumentParser = self._parsers.add_parser(
            name,
            help=summary,
            description=summary,
            allow_abbrev=False,  # "--token" is not "--token-file"
        )
        for argument in arguments:
            parser.add_argument(argument.lower().strip("."), metavar=argument.strip("."), **_count(argument))
        _add_common(parser)
        if sure:
            parser.add_argument("--yes", action="store_true", help="do it without asking")
        parser.set_defaults(run=run, act=act, sure=sure)
        return parser


def _count(argument: str) -> dict[str, Any]:
    return {"nargs": "+"} if argument.endswith("...") else {}


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="Freehold's address; FREEHOLD_URL unless given")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--organization", metavar="NAME", help="FREEHOLD_ORGANIZATION unless given")
    parser.add_argument("--token-file", metavar="FILE", help="where the API token stands; else FREEHOLD_TOKEN has it")


def add_to(commands: Any) -> None:
    """Add ``org`` with all its commands to the parser of ``freehold``."""
    top = Commands(commands).group("org", "Manage an organization by its API token.")
    top.add("show", _show, "Show the organization.")
    org_people.add_to(top)
    org_things.add_to(top)
    audit = top.add("audit", _audit, "Print the audit trail.")
    audit.add_argument("--follow", action="store_true", help="go on with what comes, until it is stopped")
    audit.add_argument("--after", metavar="POSITION", type=int, default=0, help="begin after this event")
    audit.add_argument("--action", help="only these, such as member.removed; or of a kind, such as member.")
    audit.add_argument("--interval", metavar="SECONDS", type=float, default=_FOLLOW_SECONDS, help=argparse.SUPPRESS)
