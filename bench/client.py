"""The index side in process: checks a second from the snapshot, and how long it takes to load one.

    python bench/client.py [--grants 1000000]

Beside it, in the same run and on the same questions, pycasbin and cedarpy (``bench/requirements.in``; left out where
they are not installed). *Rule per grant*: a policy for each, matched by prefix, so they get 1,000. *Prefix by prefix*:
the caller takes the name apart and asks by exact names. A check: may this publisher publish a new project of this name?
A third are outside every namespace, a third by a holder, a third by a stranger; all engines must agree on every answer.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "client" / "src"))

from freehold_client import NamespaceClient, Publisher, collector, wire
from freehold_client.clock import Clock
from freehold_client.counters import Counters
from freehold_client.holders import publishing_holder
from freehold_client.names import normalize, prefixes
from freehold_client.snapshot import Snapshot
from freehold_client.store import Store

CHILDREN = 4
ORIGIN = "https://freehold.index.example"
RULES = 1_000
EXACT = 100_000
WANTED_RATE = 200_000
WANTED_LOAD = 1.0
BUSY = 1.6
MET = {True: "ok", False: "MISSED"}
NOW = 1_800_000_000.0


class Question(NamedTuple):
    """A name as an uploader writes it, and an index user name; as our client is told it, and as the others are."""

    name: str
    user: str
    publisher: Publisher


Ask = Callable[[Question], bool]


# --- the world --------------------------------------------------------------------------------------------------------


def owner(number: int) -> str:
    """Who owns the grant: a root and its children have one owner."""
    return f"org{number // (CHILDREN + 1)}"


def grant_name(number: int) -> str:
    """Of five grants one is a root, the others are its children."""
    root, child = divmod(number, CHILDREN + 1)
    return f"vendor{root}" if child == 0 else f"vendor{root}-line{child}"


def answer_of_freehold(count: int) -> bytes:
    """A snapshot as Freehold sends it."""
    grants: list[dict[str, Any]] = [
        {
            "name": grant_name(number),
            "state": "active",
            "effective_at": "2026-01-02T03:04:05.678901Z",
            "owner": owner(number),
            "root": None,
            "shares": [],
            "publishers": [],
        }
        for number in range(count)
    ]
    organizations = [
        {
            "name": name,
            "kind": "company",
            "state": "active",
            "standing": "good",
            "publishers": [f"{name}-owner", f"{name}-manager"],
            "trusted_publishers": [{"issuer": "https://ci.example", "claims": {"repository_owner": name}}],
        }
        for name in dict.fromkeys(map(owner, range(count)))
    ]
    return json.dumps({"revision": count, "grants": grants, "organizations": organizations}).encode()


def questions(count: int, grants: int, seed: int = 752) -> list[Question]:
    """A third outside, a third by the holder, a third by a stranger; spelled as people do."""
    choose = random.Random(seed)
    found = []
    for position in range(count):
        number = choose.randrange(grants)
        inside = f"{grant_name(number).title()}_Tool{choose.randrange(100)}"
        kind = position % 3
        user = f"{owner(number)}-manager" if kind == 1 else f"org{grants + choose.randrange(grants)}-owner"
        found.append(Question(f"other.{inside}" if kind == 0 else inside, user, Publisher(user)))
    return found


# --- the engines ------------------------------------------------------------------------------------------------------


def ours(snapshot: Snapshot) -> Ask:
    """The client's snapshot."""

    def ask(question: Question) -> bool:
        covering = snapshot.covering(normalize(question.name))
        return not covering or publishing_holder(snapshot, covering, question.publisher, NOW) is not None

    return ask


_CASBIN_MODEL = """
[request_definition]
r = sub, obj
[policy_definition]
p = sub, obj
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = {matcher}
"""


def _casbin(count: int, enforcer: str, model: Any, matcher: str, **options: Any) -> Any:
    casbin = importlib.import_module("casbin")
    logging.getLogger("casbin").setLevel("ERROR")
    model.load_model_from_text(_CASBIN_MODEL.format(matcher=matcher))
    made = getattr(casbin, enforcer)(model, **options)
    # Not by add_policies, which looks through all there are for each one.
    for number in range(count):
        model.model["p"]["p"].policy.append([owner(number), grant_name(number)])
    for name in dict.fromkeys(map(owner, range(count))):
        made.get_role_manager().add_link(f"{name}-owner", name)
        made.get_role_manager().add_link(f"{name}-manager", name)
    return made


def casbin_rules(count: int) -> Ask:
    """A policy for each grant, matched by prefix; and one more question for whether any namespace covers the name."""
    model = importlib.import_module("casbin.model").Model()
    made = _casbin(count, "Enforcer", model, "covers(r.obj, p.obj) && (r.sub == '*' || g(r.sub, p.sub))")
    made.add_function("covers", lambda name, namespace: name == namespace or name.startswith(namespace + "-"))

    def ask(question: Question) -> bool:
        user, project = question.user, normalize(question.name)
        return made.enforce(user, project) or not made.enforce("*", project)

    return ask


def casbin_exact(count: int) -> Ask:
    """FastEnforcer, which first looks up the policies of the exact object; asked about each prefix."""
    matcher = "r.obj == p.obj && (r.sub == '*' || g(r.sub, p.sub))"
    model = importlib.import_module("casbin.model.model_fast").FastModel([1])
    made = _casbin(count, "FastEnforcer", model, matcher, cache_key_order=[1])

    def ask(question: Question) -> bool:
        user, around = question.user, prefixes(normalize(question.name))
        return any(made.enforce(user, prefix) for prefix in around) or not any(
            made.enforce("*", prefix) for prefix in around
        )

    return ask


def _cedar_people(count: int) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(map(owner, range(count))))
    people = [
        {"uid": {"type": "User", "id": f"{name}-{role}"}, "attrs": {}, "parents": [{"type": "Org", "id": name}]}
        for name in names
        for role in ("owner", "manager")
    ]
    return [*people, *({"uid": {"type": "Org", "id": name}, "attrs": {}, "parents": []} for name in names)]


def _cedar_request(user: str, action: str, kind: str, name: str, **context: Any) -> dict[str, Any]:
    return {
        "principal": {"type": "User", "id": user},
        "action": {"type": "Action", "id": action},
        "resource": {"type": kind, "id": name},
        "context": context,
    }


def cedar_rules(count: int) -> Ask:
    """Two policies for each grant, over parsed policies and entities; the prefixes come in the context."""
    cedar = importlib.import_module("cedarpy")
    rules = "\n".join(
        f'permit(principal in Org::"{owner(n)}", action == Action::"publish", resource) '
        f'when {{ context.prefixes.contains("{grant_name(n)}") }};\n'
        f'permit(principal, action == Action::"is-reserved", resource) '
        f'when {{ context.prefixes.contains("{grant_name(n)}") }};'
        for n in range(count)
    )
    policies = cedar.PolicySet.from_str(rules)
    people = cedar.Entities.from_json_str(json.dumps(_cedar_people(count)))

    def ask(question: Question) -> bool:
        user, project = question.user, normalize(question.name)
        around = prefixes(project)
        publish = _cedar_request(user, "publish", "Project", project, prefixes=around)
        reserved = _cedar_request(user, "is-reserved", "Project", project, prefixes=around)
        return (
            cedar.is_authorized(publish, policies, people).allowed
            or not cedar.is_authorized(reserved, policies, people).allowed
        )

    return ask


def cedar_exact(count: int) -> Ask:
    """Two policies in all, over parsed entities of users, organizations and namespaces; asked about each prefix."""
    cedar = importlib.import_module("cedarpy")
    policies = cedar.PolicySet.from_str(
        'permit(principal, action == Action::"publish", resource) when { resource has holders && '
        "principal in resource.holders };\n"
        'permit(principal, action == Action::"is-reserved", resource) when { resource has holders };'
    )
    namespaces = [
        {
            "uid": {"type": "Namespace", "id": grant_name(number)},
            "attrs": {"holders": [{"__entity": {"type": "Org", "id": owner(number)}}]},
            "parents": [],
        }
        for number in range(count)
    ]
    entities = cedar.Entities.from_json_str(json.dumps([*_cedar_people(count), *namespaces]))

    def ask(question: Question) -> bool:
        user, around = question.user, prefixes(normalize(question.name))
        return any(allowed(user, "publish", prefix) for prefix in around) or not any(
            allowed(user, "is-reserved", prefix) for prefix in around
        )

    def allowed(user: str, action: str, prefix: str) -> bool:
        request = _cedar_request(user, action, "Namespace", prefix)
        return bool(cedar.is_authorized(request, policies, entities).allowed)

    return ask


# --- measuring --------------------------------------------------------------------------------------------------------


class Rates(NamedTuple):
    """Questions a second on one core: of the median slice, and of the fastest tenth. On an idle machine they are
    close; where something else runs on the core's other half, the second is nearer the truth."""

    median: float
    best: float


def rate(ask: Ask, asked: list[Question], seconds: float) -> Rates:
    """Short slices of questions are timed, each with questions of its own as long as there are any, new to all."""
    size = _slice_size(ask, asked)
    slices = [asked[start : start + size] for start in range(0, len(asked) - size + 1, size)]
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 10:
        part = [at_hand(question) for question in slices[len(times) % len(slices)]]
        started = time.perf_counter()
        for question in part:
            ask(question)
        times.append(time.perf_counter() - started)
    return Rates(size / statistics.median(times), size / sorted(times)[len(times) // 10])


def at_hand(question: Question) -> Question:
    """The same, as it is when somebody has just asked it: read from a request a moment ago. What is looked up for it
    lies where it has lain since it was loaded."""
    user = question.user.encode().decode()
    return Question(question.name.encode().decode(), user, Publisher(user))


def _slice_size(ask: Ask, asked: list[Question]) -> int:
    """How many take about half a millisecond, in threes: each kind of question is in each slice."""
    started = time.perf_counter()
    for question in asked[:30]:
        ask(question)
    each = (time.perf_counter() - started) / 30
    return max(3, min(300, int(0.0005 / each) // 3 * 3))


def production_rate(snapshot: Snapshot, asked: list[Question]) -> Rates:
    """``NamespaceClient.check_upload`` for names outside every namespace, a decision with its sentence included."""
    client = NamespaceClient(ORIGIN, "token")
    # What a refresh does, without a Freehold to refresh from.
    client._follower.snapshot = snapshot
    client._follower.freshness.confirm(Clock().elapsed())
    return rate(
        lambda question: client.check_upload(question.name, question.publisher, exists=False).allowed, asked, 3.0
    )


def load(body: bytes) -> Snapshot:
    """As the client does it when it takes a snapshot."""
    with collector.paused():
        return wire.snapshot(wire.loads(body))


def timed(act: Callable[[], Any]) -> tuple[Any, float]:
    """What it returns, and the seconds of processor time that it took."""
    started = time.process_time()
    result = act()
    return result, time.process_time() - started


def measure_loading(count: int) -> Iterator[tuple[str, float]]:
    """Seconds to load a snapshot of so many grants: from Freehold's answer, and from our file on disk."""
    body = answer_of_freehold(count)
    snapshot, seconds = timed(lambda: load(body))
    yield f"from Freehold's answer ({len(body) / 1e6:.0f} MB of JSON)", seconds
    with tempfile.TemporaryDirectory() as directory:
        store = Store(directory, ORIGIN, Counters())
        kept, seconds = timed(lambda: store.keep(snapshot, NOW))
        assert kept
        yield "(to write it to disk)", seconds
        size = (Path(directory) / "snapshot").stat().st_size
        restored, seconds = timed(store.restore)
        yield f"from disk ({size / 1e6:.0f} MB)", seconds
    assert restored.snapshot.grants == snapshot.grants


def compare(label: str, make: Callable[[int], Ask], count: int, snapshot: Snapshot) -> None:
    """An engine beside ours on the same grants and questions."""
    asked = questions(6_000, count)
    ask, mine = make(count), ours(snapshot)
    for question in asked[:60]:
        assert ask(question) == mine(question), (label, question)
    theirs, our_rate = rate(ask, asked, 3.0).median, rate(mine, asked, 3.0).median
    print(f"  {label:<38}{count:>9,}{theirs:>13,.0f}{our_rate:>13,.0f}{our_rate / theirs:>11,.0f}x")


def compare_engines() -> None:
    """Both engines, both ways."""
    print(f"\n  {'beside':<38}{'grants':>9}{'its checks/s':>13}{'ours':>13}{'ratio':>12}")
    small = load(answer_of_freehold(RULES))
    large = load(answer_of_freehold(EXACT))
    for module, by_rule, exact in (("casbin", casbin_rules, casbin_exact), ("cedarpy", cedar_rules, cedar_exact)):
        if importlib.util.find_spec(module) is not None:
            compare(f"{module}, rule per grant", by_rule, RULES, small)
            compare(f"{module}, prefix by prefix", exact, EXACT, large)
        else:
            print(f"  {module} is not installed: pip install -r bench/requirements.in")


def warn_if_busy() -> None:
    """Say so where the figures can't be right."""
    load_average = os.getloadavg()[0]
    if load_average > BUSY:
        print(f"  BUSY: load average {load_average:.1f}. These figures are too low: run it on an idle machine.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the index side in process.")
    parser.add_argument("--grants", type=int, default=1_000_000)
    count = parser.parse_args().grants
    warn_if_busy()
    print("Loading a snapshot of 100,000 grants, seconds of processor time:")
    for what, seconds in measure_loading(100_000):
        print(f"  {what:<50}{seconds:>8.2f}   {'' if '(to' in what else MET[seconds <= WANTED_LOAD]}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    snapshot = load(answer_of_freehold(count))
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"\nChecks a second on one core, {count:,} grants, {len(snapshot.organizations):,} organizations:")
    asked = questions(150_000, count)
    for what, found in (
        ("snapshot: outside, holder, stranger in turn", rate(ours(snapshot), asked, 6.0)),
        ("check_upload, outside every namespace", production_rate(snapshot, asked[::3])),
    ):
        met = MET[found.median >= WANTED_RATE]
        print(f"  {what:<46}{found.median:>12,.0f}   (fastest tenth: {found.best:,.0f})   {met}")
    print(f"  (peak memory while loading: {peak:,.0f} MB more)")
    compare_engines()
    warn_if_busy()


if __name__ == "__main__":
    main()
