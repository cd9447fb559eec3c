"""No stale answer: a check that starts after a change was committed sees it, in every worker, under load.

Each change is committed by this process and then asked about at once, on connections to all workers; the same is done
to a view that keeps answers for a moment, of which the probe must catch many.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from bench import databases, load, server
from bench.endpoint import CHECK
from bench.questions import Json
from bench.report import note
from namespaces.models import Grant, Share, TeamGrant
from namespaces.states import GrantState
from orgs import tokens
from orgs.models import Membership, Organization, ServiceToken, Team, TrustedPublisher
from orgs.vocabulary import Kind, Role, Scope, Standing, State

CACHING, WORKER = "/bench/caching", "/bench/worker"
CONNECTIONS, BUSY_CONNECTIONS, REPEATS = 8, 4, 2
ISSUER = "https://ci.example"


class StaleAnswer(Exception):
    """A check answered what was no longer true."""


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that is switched off and on again, and what is answered to the question in either case."""

    name: str
    question: Json
    on: Callable[[], object]
    off: Callable[[], object]
    when_on: str
    when_off: str


@dataclass(slots=True)
class Tally:
    changes: int = 0
    probes: int = 0
    stale: int = 0


def run(port: int, database_url: str, flips: int) -> None:
    """Raises ``StaleAnswer`` when there is one, or when the probe would not have noticed."""
    with databases.using(database_url), ExitStack() as stack:
        world = World()
        crew = stack.enter_context(_on_every_worker(port))
        stack.enter_context(_load(port, world))
        strict = _probe(world, crew, CHECK, flips)
        caching = _probe(world, crew, CACHING, max(1, flips // 4))
    _report(strict, caching)


def _report(strict: Tally, caching: Tally) -> None:
    print(f"\nStrict consistency, {server.WORKERS} workers, under load\n")
    note(f"the check: {strict.stale} stale of {strict.probes:,} answers after {strict.changes} committed changes")
    note(f"the same probe on a view that caches: {caching.stale} stale of {caching.probes:,} answers")
    if strict.stale:
        raise StaleAnswer(f"{strict.stale} of {strict.probes} answers were stale.")
    if not caching.stale:
        raise StaleAnswer("The probe does not notice stale answers.")


class World:
    """The rows that change, each of its own so that one change decides about one question."""

    def __init__(self) -> None:
        self.token = tokens.generate()
        ServiceToken.objects.create(
            name="probe", digest=tokens.digest(self.token), hint="0000", scopes=[Scope.CHECK.value]
        )
        self.changes = [
            self._membership(), self._role(), self._active_user(), self._share(), self._expiry(), self._team(),
            self._trusted(), self._lapse(), self._suspension(), self._release(), self._lock(), self._effect(),
        ]  # fmt: skip

    def _holder(self, name: str) -> tuple[Organization, Grant, Membership]:
        organization = _organization(name)
        grant = Grant.objects.create(
            name=name,
            display_name=name,
            owner=organization,
            state=GrantState.ACTIVE,
            effective_at=timezone.now() - timedelta(hours=1),
        )
        return organization, grant, _member(organization, name, Role.OWNER)

    def _membership(self) -> Change:
        organization, _, _ = self._holder("leaving")
        return Change(
            "membership", _asks("leaving"), lambda: _member(organization, "leaving", Role.OWNER),
            Membership.objects.filter(organization=organization).delete, "holder", "reserved",
        )  # fmt: skip

    def _role(self) -> Change:
        _, _, membership = self._holder("demoted")
        return _column("demoted", membership, "role", (Role.MANAGER, Role.BILLING), "reserved")

    def _active_user(self) -> Change:
        _, _, membership = self._holder("inactive")
        return _column("inactive", membership.user, "is_active", (True, False), "reserved")

    def _share(self) -> Change:
        _, grant, _ = self._holder("shared")
        guest = _organization("guest")
        _member(guest, "guest", Role.OWNER)
        return Change(
            "share", _asks("shared", "guest"), lambda: Share.objects.create(grant=grant, organization=guest),
            Share.objects.filter(grant=grant).delete, "holder", "reserved",
        )  # fmt: skip

    def _expiry(self) -> Change:
        _, grant, _ = self._holder("lent")
        guest = _organization("borrower")
        _member(guest, "borrower", Role.OWNER)
        share = Share.objects.create(grant=grant, organization=guest)
        ended = timezone.now() - timedelta(hours=1)
        return _column("lent", share, "expires_at", (None, ended), "reserved", user="borrower")

    def _team(self) -> Change:
        organization, grant, _ = self._holder("teamed")
        team = Team.objects.create(organization=organization, name="release")
        team.members.add(_member(organization, "teammate", Role.MEMBER))
        return Change(
            "team's right", _asks("teamed", "teammate"), lambda: TeamGrant.objects.create(grant=grant, team=team),
            TeamGrant.objects.filter(grant=grant).delete, "holder", "reserved",
        )  # fmt: skip

    def _trusted(self) -> Change:
        organization, _, _ = self._holder("trusted")
        claims = {"repository_owner": "trusted"}
        question = _asks("trusted") | {"publisher": {"claims": {"iss": ISSUER, **claims}}}
        return Change(
            "trusted publisher", question,
            lambda: TrustedPublisher.objects.create(organization=organization, issuer=ISSUER, claims=claims),
            TrustedPublisher.objects.filter(organization=organization).delete, "holder", "reserved",
        )  # fmt: skip

    def _lapse(self) -> Change:
        organization, _, _ = self._holder("lapsing")
        return _column("lapsing", organization, "standing", (Standing.GOOD, Standing.LAPSED), "lapsed")

    def _suspension(self) -> Change:
        organization, _, _ = self._holder("suspended")
        return _column("suspended", organization, "state", (State.ACTIVE, State.SUSPENDED), "locked")

    def _release(self) -> Change:
        _, grant, _ = self._holder("released")
        return _column("released", grant, "state", (GrantState.ACTIVE, GrantState.RELEASED), "unreserved")

    def _lock(self) -> Change:
        _, grant, _ = self._holder("locked")
        return _column("locked", grant, "state", (GrantState.ACTIVE, GrantState.LOCKED), "locked")

    def _effect(self) -> Change:
        _, grant, _ = self._holder("effective")
        now, later = timezone.now() - timedelta(hours=1), timezone.now() + timedelta(hours=1)
        return _column("effective", grant, "effective_at", (now, later), "unreserved")


def _organization(name: str) -> Organization:
    return Organization.objects.create(name=name, display_name=name, kind=Kind.COMPANY, state=State.ACTIVE)


def _member(organization: Organization, username: str, role: Role) -> Membership:
    user, _ = User.objects.get_or_create(index_username=username, defaults={"email": f"{username}@example.com"})
    return Membership.objects.create(organization=organization, user=user, role=role)


def _column(
    name: str, row: Any, field: str, values: tuple[Any, Any], when_off: str, *, user: str | None = None
) -> Change:
    """A column that is switched between two values, which are that for "on" and that for "off"."""
    on, off = values

    def write(value: Any) -> None:
        type(row).objects.filter(pk=row.pk).update(**{field: value})

    return Change(name, _asks(name, user), lambda: write(on), lambda: write(off), "holder", when_off)


def _asks(namespace: str, user: str | None = None) -> Json:
    return {"project": f"{namespace}-new", "publisher": {"user": user or namespace}, "first_uploaded": None}


def _probe(world: World, crew: Sequence[load.Caller], path: str, flips: int) -> Tally:
    """Switch every fact off and on so many times, and ask on all connections after each commit."""
    tally = Tally()
    for change in world.changes:
        message = load.request(path, change.question, world.token)
        for flip in range(flips):
            switch, expected = (change.on, change.when_on) if flip % 2 else (change.off, change.when_off)
            if flip == 0:
                _switch_on_first(change, crew, message)
            switch()
            tally.changes += 1
            _ask_all(crew, message, expected, tally)
    return tally


def _switch_on_first(change: Change, crew: Sequence[load.Caller], message: bytes) -> None:
    """Start from "on" in any case, and let a cache know it."""
    change.off()
    change.on()
    for caller in crew:
        caller.ask(message)


def _ask_all(crew: Sequence[load.Caller], message: bytes, expected: str, tally: Tally) -> None:
    for _ in range(REPEATS):
        for caller in crew:
            caller.send(message, 0.0)
        for caller in crew:
            tally.probes += 1
            tally.stale += caller.wait()["reason"] != expected


@contextmanager
def _on_every_worker(port: int) -> Iterator[list[load.Caller]]:
    """Connections of which each worker has at least two."""
    with ExitStack() as stack:
        by_worker: dict[int, list[load.Caller]] = {}
        enough = CONNECTIONS // server.WORKERS
        while len(by_worker) < server.WORKERS or min(map(len, by_worker.values())) < enough:
            (caller,) = stack.enter_context(load.callers(port, 1))
            by_worker.setdefault(caller.ask(load.request(WORKER, {}, ""))["process"], []).append(caller)
        yield [caller for some in by_worker.values() for caller in some[:enough]]


@contextmanager
def _load(port: int, world: World) -> Iterator[None]:
    """Other callers, who keep the workers busy meanwhile."""
    messages = [load.request(CHECK, _asks(f"busy{number}"), world.token) for number in range(50)]
    ended = threading.Event()

    def work() -> None:
        with load.callers(port, BUSY_CONNECTIONS) as crew:
            while not ended.is_set():
                load.throughput(crew, messages, 0.2)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
