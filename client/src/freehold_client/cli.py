"""The command ``freehold``: ask about names, distributions and requirements; manage an organization (``org``).

Freehold's address is ``FREEHOLD_URL`` or ``--url``; a service token, where there is one, ``FREEHOLD_TOKEN``. Without a
token only the public answers are read.

Exit statuses: 0, all is well (allowed; no violation). 1, refused; a violation. 2, the command or a file can't be
understood. 3, it can't be told: Freehold gives no answer, or the public answers do not say.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from freehold_client import org, requirements
from freehold_client._version import __version__
from freehold_client.audit import Finding, audit
from freehold_client.client import NamespaceClient
from freehold_client.decisions import Decision, Publisher
from freehold_client.dists import InvalidDistribution, read_name
from freehold_client.errors import FreeholdUnavailable
from freehold_client.holders import organization_name
from freehold_client.logs import log
from freehold_client.names import InvalidName, normalize
from freehold_client.options import UsageError, configured, freehold_url, write
from freehold_client.org_api import Refusal
from freehold_client.policy import InvalidPolicy, Policy
from freehold_client.public import Namespace, PublicFreehold, SimpleIndex, covering
from freehold_client.wire import since_epoch

OK, REFUSED, USAGE, UNKNOWN = 0, 1, 2, 3
_SECONDS = 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. Arguments are those of the process unless given."""
    options = _parser().parse_args(arguments)
    log.addHandler(logging.NullHandler())  # what there is to say is said by the command itself
    try:
        return int(options.run(options))
    except KeyboardInterrupt:  # how a command that follows is stopped
        return OK
    except Refusal as error:
        return _complain(str(error), REFUSED)
    except FreeholdUnavailable as error:
        return _complain(str(error), UNKNOWN)
    except (UsageError, InvalidName, InvalidPolicy, requirements.InvalidRequirements, OSError, UnicodeError) as error:
        return _complain(str(error), USAGE)


# --- check and preflight ----------------------------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    decision = _decide(options, options.name)
    _print(options, decision.message, _decision_json(decision))
    return _status(decision)


def _preflight(options: argparse.Namespace) -> int:
    """Each distribution in turn; the worst status of all."""
    worst = OK
    for path in options.dists:
        try:
            decision = _decide(options, read_name(path))
        except InvalidDistribution as error:
            _print(options, f"{path}: {error}", {"file": path, "allowed": False, "message": str(error)})
            worst = max(worst, USAGE)
            continue
        _print(options, f"{path}: {decision.message}", {"file": path, **_decision_json(decision)})
        worst = max(worst, _status(decision))
    return worst


def _decide(options: argparse.Namespace, name: str) -> Decision:
    token = os.environ.get("FREEHOLD_TOKEN")
    return _decide_publicly(options, name) if not token else _decide_by_check(options, name, token)


def _decide_by_check(options: argparse.Namespace, name: str, token: str) -> Decision:
    publisher = Publisher(user=options.user, organization=options.organization)
    client: NamespaceClient = configured(lambda: NamespaceClient(freehold_url(options), token, budget=_SECONDS))
    exists = {True: False, False: None}[options.new]
    try:
        return client.check_upload(name, publisher, exists=exists, first_uploaded=options.first_uploaded)
    finally:
        client.close()


def _decide_publicly(options: argparse.Namespace, name: str) -> Decision:
    """As far as anybody may know: a share, a team or the age of a project is not to be seen from outside."""
    project = normalize(name)
    with _public(options) as freehold:
        around = covering(freehold.namespaces(), project)
    if not around:
        return Decision(True, 200, "outside", project, f"The name '{project}' is in no reserved namespace.")
    innermost, organization = around[-1], organization_name(options.organization)
    url = f"{freehold.url}/namespaces/{innermost.name}/"
    held = f"The name '{project}' is in the namespace '{innermost.name}' of '{innermost.owner}'"
    if organization is not None and organization in {namespace.owner for namespace in around}:
        message = f"{held}; for '{organization}' it may be published by its owners, managers and trusted publishers."
        return Decision(True, 200, "holder", project, message, innermost.name, organization, url)
    message = f"{held}; whether you may publish there can only be told with a token in FREEHOLD_TOKEN. See {url}"
    return Decision(False, 503, "unavailable", project, message, innermost.name, None, url)


def _status(decision: Decision) -> int:
    if decision.allowed:
        return OK
    return {400: USAGE, 409: REFUSED}.get(decision.status, UNKNOWN)


def _decision_json(decision: Decision) -> dict[str, Any]:
    members = dict(vars(decision))
    members["namespaces"] = [{"name": name, "owned": owned} for name, owned in decision.namespaces]
    return members


# --- namespaces -------------------------------------------------------------------------------------------------------


def _namespaces(options: argparse.Namespace) -> int:
    with _public(options) as freehold:
        known = freehold.namespaces()
    shown = sorted(known.values()) if options.name is None else covering(known, normalize(options.name))
    for namespace in shown:
        _print(options, _describe(namespace), namespace._asdict())
    if options.name is not None and not shown:
        _print(options, f"The name '{normalize(options.name)}' is in no reserved namespace.", None)
    return OK


def _describe(namespace: Namespace) -> str:
    inside = "" if namespace.parent is None else f" (inside {namespace.parent})"
    return f"{namespace.name}  held by {namespace.owner}{inside}"


# --- audit ------------------------------------------------------------------------------------------------------------


def _audit(options: argparse.Namespace) -> int:
    policy = Policy() if options.policy is None else Policy.load(options.policy)
    required = [requirement for path in options.requirements for requirement in requirements.read(path)]
    unnamed = [requirement for requirement in required if requirement.name is None]
    names = [requirement.name for requirement in required if requirement.name is not None]
    with _public(options) as freehold, _told_by(options, freehold) as source:
        findings = audit(names, freehold.namespaces(), source.project, policy)
    _report(options, findings, unnamed)
    return REFUSED if any(finding.violations for finding in findings) else OK


def _told_by(
    options: argparse.Namespace, freehold: PublicFreehold
) -> AbstractContextManager[PublicFreehold | SimpleIndex]:
    """Who tells of a package: the index where it is installed from, or Freehold's mirror of it."""
    return nullcontext(freehold) if options.index is None else SimpleIndex(options.index)


def _report(
    options: argparse.Namespace, findings: Sequence[Finding], unnamed: Sequence[requirements.Requirement]
) -> None:
    violations = [sentence for finding in findings for sentence in finding.violations]
    if options.json:
        packages = [finding.as_json() for finding in findings]
        skipped = [requirement._asdict() for requirement in unnamed]
        write(json.dumps({"packages": packages, "unnamed": skipped, "violations": violations}, indent=2))
        return
    for requirement in unnamed:
        write(f"unnamed    {requirement.file}:{requirement.line}: {requirement.text}")
    for finding in findings:
        if finding.namespaces or finding.violations:
            where = ", ".join(f"{name} of {finding.owners.get(name)}" for name, _ in finding.namespaces)
            write(f"{finding.verdict:<10} {finding.name}  {where}{'  (allowed by policy)' * finding.allowed}")
    for sentence in violations:
        write(f"violation  {sentence}")
    reserved = sum(bool(finding.namespaces) for finding in findings)
    write(f"{len(findings)} packages, {reserved} in a namespace, {len(violations)} violations.")


# --- options and output -----------------------------------------------------------------------------------------------


def _public(options: argparse.Namespace) -> PublicFreehold:
    freehold: PublicFreehold = configured(lambda: PublicFreehold(freehold_url(options)))
    return freehold


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    since_epoch(moment)
    return moment


def _print(options: argparse.Namespace, sentence: str, value: Any) -> None:
    """A line for people; with ``--json`` one for programs."""
    write(json.dumps(value) if options.json else sentence)


def _complain(sentence: str, status: int) -> int:
    sys.stderr.write(f"freehold: {sentence}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="freehold",
        description="Ask Freehold about reserved namespaces (PEP 752).",
        epilog="Exit status: 0 all is well, 1 refused or a violation, 2 not understood, 3 it can't be told now.",
    )
    parser.add_argument("--version", action="version", version=f"freehold-client {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = _command(commands, "check", _check, "May a publisher upload this name?")
    check.add_argument("name", metavar="NAME")
    _add_publisher(check)
    namespaces = _command(commands, "namespaces", _namespaces, "List the reserved namespaces, or those around a name.")
    namespaces.add_argument("name", metavar="NAME", nargs="?")
    preflight = _command(commands, "preflight", _preflight, "Would the upload of these distributions be refused?")
    preflight.add_argument("dists", metavar="DIST", nargs="+")
    _add_publisher(preflight)
    audited = _command(commands, "audit", _audit, "Which packages belong to the holders of their namespaces?")
    audited.add_argument("requirements", metavar="REQUIREMENTS", nargs="+", help="a requirements file")
    audited.add_argument(
        "--index",
        metavar="URL",
        help="the simple base of the index, when it says itself who owns what; else Freehold's mirror is asked",
    )
    audited.add_argument("--policy", metavar="FILE", type=Path, help="TOML or JSON: require-owned, owners, allow")
    org.add_to(commands)
    return parser


def _command(commands: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.add_argument("--url", help="Freehold's address; FREEHOLD_URL unless given")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=run)
    return command


def _add_publisher(command: argparse.ArgumentParser) -> None:
    command.add_argument("--user", help="the index user name of the publisher")
    command.add_argument("--organization", help="the organization for which it is published")
    age = command.add_mutually_exclusive_group()
    age.add_argument("--new", action="store_true", help="the project is new to the index")
    age.add_argument(
        "--first-uploaded", type=_time, metavar="TIME", help="when it first came, such as 2021-03-04T05:06:07Z"
    )


if __name__ == "__main__":
    sys.exit(main())
