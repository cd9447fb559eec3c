"""Asking code forges about the repositories of the organizations that proved a place there.

A question goes out and takes seconds, so none is asked inside a transaction: an answer is stored in one statement. What
could not be asked is not gone: the last answer stays, beside why there is no newer one.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from freehold.outgoing import http, targets
from freehold.outgoing.deadline import Deadline
from freehold.outgoing.errors import NotThere, OutgoingError, Unreachable
from namespaces import forge_answers
from namespaces.cases import OPEN, CaseKind
from namespaces.forge_answers import APIS, Api
from namespaces.models import ForgeSignals
from namespaces.policy.licences import recognized
from namespaces.policy.signals import ACTIVITY_DAYS, ForgeFacts, Repository
from orgs.models import Organization, Proof
from orgs.proofs import forges
from orgs.vocabulary import Kind, ProofKind, State

logger = logging.getLogger(__name__)

SECONDS = 12.0
"""For all that is asked of one forge."""
STEP_SECONDS = 5.0
LIST_BYTES = 1024 * 1024
LICENCE_BYTES = 128 * 1024
FOREMOST = 3
"""So many repositories are asked about one by one."""
FRESH = timedelta(minutes=10)
AGAIN = timedelta(minutes=1)
STALE = timedelta(days=7)
MOST = 100
RUN_SECONDS = 45.0
ERROR_LENGTH = 300
_LIMITED = frozenset({403, 429})
_GONE = frozenset({404, 410})


def ask_forges(*, organization: Organization, age: timedelta = FRESH) -> int:
    """Ask the forge of every counting proof whose last question is as old; how many were asked.

    Never called while a row is locked. Raises nothing: why a forge could not be asked stands beside its last answer.
    """
    proofs = Proof.objects.counting().filter(organization=organization, kind=ProofKind.FORGE)
    asked_before = timezone.now() - age
    due = proofs.exclude(signals__asked_at__gt=asked_before).order_by("pk")
    return sum(1 for proof in list(due) if ask_forge(proof=proof))


def sweep_signals() -> int:
    """Ask about those that have not been asked about for a week; how many were asked."""
    end, done = time.monotonic() + RUN_SECONDS, 0
    for pk in _stale():
        if time.monotonic() > end:
            break
        with suppress(Proof.DoesNotExist):
            done += ask_forge(proof=Proof.objects.get(pk=pk))
    return done


def _stale() -> Sequence[int]:
    """Of community projects, and of those who apply to be one; the longest unasked first."""
    before = timezone.now() - STALE
    wanted = Q(organization__kind=Kind.COMMUNITY) | Q(
        organization__cases__kind=CaseKind.APPLICATION, organization__cases__state__in=OPEN
    )
    never_or_long_ago = Q(signals__isnull=True) | Q(signals__asked_at__lt=before)
    found = Proof.objects.counting().filter(wanted, never_or_long_ago, kind=ProofKind.FORGE)
    ids = (
        found.exclude(organization__state=State.CLOSED).order_by("signals__asked_at", "pk").values_list("pk", flat=True)
    )
    return list(dict.fromkeys(ids[:MOST]))


def ask_forge(*, proof: Proof) -> bool:
    """Ask about one place and keep what is answered; whether it was."""
    now = timezone.now()
    try:
        found, error = look(proof.subject), ""
    except OutgoingError as problem:
        found, error = None, problem.message
    except Exception:
        logger.exception("The forge of proof %s could not be asked", proof.pk)
        found, error = None, _("Its answer could not be read.")
    told: dict[str, Any] = {"asked_at": now, "error": error[:ERROR_LENGTH]}
    if found is not None:
        told |= {"data": found.as_json(), "seen_at": now}
    with suppress(Proof.DoesNotExist):
        _store(proof, told)
    return found is not None


def _store(proof: Proof, told: Mapping[str, Any]) -> None:
    """Unless the proof was removed meanwhile."""
    if Proof.objects.filter(pk=proof.pk).exists():
        ForgeSignals.objects.update_or_create(proof=proof, defaults=told)


def look(subject: str) -> ForgeFacts:
    """What the forge at ``https://host/owner`` says now; raises ``OutgoingError``."""
    owner, deadline = subject.rpartition("/")[2], Deadline(SECONDS)
    hosts = forges.hosts(subject, settings.FREEHOLD_FORGES, settings.FREEHOLD_PROOF_PORT)
    problem: OutgoingError = NotThere(_("There is no such account."))
    for software, _raw, base in hosts:
        if software in APIS:
            try:
                return _Talk(APIS[software], software, base, owner, deadline).facts(subject)
            except (NotThere, _NoJson) as error:  # whatever else runs on an unknown host may still answer
                problem = error
    raise problem


class _NoJson(Unreachable):
    """What was answered is not from the programming interface of a forge."""


@dataclass(frozen=True)
class _Talk:
    """One conversation with a forge about one account, within one deadline."""

    api: Api
    software: str
    base: str
    owner: str
    deadline: Deadline

    def facts(self, subject: str) -> ForgeFacts:
        on = timezone.now().astimezone(UTC).date()
        entries = self._first(self.api.repositories)
        if not isinstance(entries, list):
            raise _NoJson(_("Its answer is not what was expected."))
        known = [entry for entry in entries[: forge_answers.REPOSITORIES] if isinstance(entry, Mapping)]
        pairs = [(entry, found) for entry in known if (found := self.api.read(entry)) is not None]
        pairs.sort(key=lambda pair: (pair[1].copied, pair[1].archived, -pair[1].stars, -pair[1].forks, pair[1].name))
        since = on - timedelta(days=ACTIVITY_DAYS)
        near = [self._more(entry, found, since) for entry, found in pairs[:FOREMOST]]
        rest = [found for _entry, found in pairs[FOREMOST:]]
        return forge_answers.facts(subject, on, self._account(), near + rest)

    def _account(self) -> Any:
        """What it says of itself; nothing where that is not told."""
        try:
            return self._first(self.api.account)
        except (NotThere, _NoJson):
            return None

    def _more(self, entry: Mapping[str, Any], repository: Repository, since: date) -> Repository:
        """What lists leave out. A forge that tells no more of one of them tells what it told."""
        if repository.copied or repository.changed is None:
            return repository
        with suppress(NotThere, _NoJson):
            repository = self._licensed(entry, repository)
        return replace(
            repository,
            commits=self._count(self.api.commits, entry, since),
            releases=self._count(self.api.releases, entry, since),
        )

    def _count(self, pattern: str, entry: Mapping[str, Any], since: date) -> int | None:
        try:
            return forge_answers.count_since(self._json(self._address(pattern, entry, since)), since)
        except (NotThere, _NoJson):
            return None

    def _licensed(self, entry: Mapping[str, Any], repository: Repository) -> Repository:
        if self.api.one:
            told = self._json(self._address(self.api.one, entry))
            read = self.api.read(told) if isinstance(told, Mapping) else None
            return forge_answers.with_licence(repository, read.licence if read else "")
        if self.api.licence and forge_answers.lacks_licence(repository):
            reply = self._get(self._address(self.api.licence, entry), "text/plain", LICENCE_BYTES)
            return forge_answers.with_licence(repository, recognized(reply.body.decode("utf-8", "replace")))
        return repository

    def _address(self, pattern: str, entry: Mapping[str, Any], since: date | None = None) -> str:
        start = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None
        text = start.strftime("%Y-%m-%dT%H:%M:%SZ") if start else ""
        return self.api.address(pattern, self.base, self.owner, entry, text)

    def _first(self, patterns: Sequence[str]) -> Any:
        """The answer of the first address that is there."""
        problem: OutgoingError = NotThere(_("There is no such account."))
        for pattern in patterns:
            try:
                return self._json(self.api.address(pattern, self.base, self.owner))
            except NotThere as error:
                problem = error
        raise problem

    def _json(self, url: str) -> Any:
        body = self._get(url, "application/json", LIST_BYTES).body
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise _NoJson(_("Its answer is not what was expected.")) from error

    def _get(self, url: str, accept: str, most: int) -> http.Reply:
        reply = http.get(
            url,
            accept=accept,
            max_bytes=most,
            seconds=min(STEP_SECONDS, self.deadline.left()),
            headers=_authorization(self.software),
            insecure=targets.may_be_plain(url),
        )
        if reply.status in _GONE:
            raise NotThere(_("There is no such account."))
        if reply.status in _LIMITED:
            raise Unreachable(_("It answers no more questions for the time being; we ask again later."))
        if reply.status != 200:
            raise Unreachable(_("It answered with status %(status)d.") % {"status": reply.status})
        return reply


def _authorization(software: str) -> dict[str, str]:
    """Who asks with a token may ask far more often."""
    token = settings.FREEHOLD_GITHUB_TOKEN
    return {"Authorization": f"Bearer {token}"} if token and software == "github" else {}
