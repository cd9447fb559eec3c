"""``python -m bench.review``: what the pages of the review desk cost with 10,000 cases waiting.

They stand in a database of their own, with an evaluation each over made-up facts, and are deleted at the end. Asked is
through Django's test client, so that what is measured is the page without network: its queries and its template. The
goal is 200 ms at the 95th percentile for the queue, whatever is filtered.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from bench.__main__ import DIRECTORY, _describe_machine, _set_up_django
from bench.cluster import running
from bench.report import Goal

CASES, ROUNDS = 10_000, 60
GOAL = Goal(at_most=200)
QUEUE: tuple[tuple[str, str], ...] = (
    ("the queue", ""),
    ("its page 100", "?page=100"),
    ("its last page", "?page=9999"),
    ("of one kind", "?kind=application"),
    ("of one criterion", "?criterion=identifies"),
    ("of a high stake", "?stake=high"),
    ("that waited a month", "?age=30"),
    ("search for a name", "?q=lumen"),
    ("search that finds nothing", "?q=nothing-is-called-so"),
    ("all filters", "?q=a&kind=claim&criterion=identifies&stake=high&age=7"),
    ("proposals", "?tab=second"),
    ("in my hands", "?tab=mine"),
    ("asked and answered", "?tab=asked"),
    ("decided lately", "?tab=decided"),
)
WORDS = ("acme", "lumen", "widgets", "harbour", "zeta", "quill", "orbit", "comet", "mesh", "django", "typing", "lab")


def main(argv: Sequence[str] | None = None) -> int:
    with running(DIRECTORY) as cluster, cluster.empty("bench_review") as url:
        _set_up_django(cluster)
        _describe_machine()
        measure(url)
    return 0


def measure(url: str) -> None:
    """Fill the database and print what each page takes."""
    from django.conf import settings
    from django.db import connection

    from freehold import env

    settings.DATABASES["default"].update(env.database(url))
    connection.settings_dict.update(env.database(url))
    connection.close()
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    fill(CASES)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    report(ROUNDS)


def report(rounds: int) -> list[float]:
    """Print the milliseconds of each page; the 95th percentiles of the queue."""
    from namespaces.models import Case

    client = _reviewer()
    _asked(client, "/review/")  # templates are read once
    print(f"\n  {'':30} {'median':>8} {'p95':>8} {'max':>8}   ms of {rounds}")
    found = [_line(name, [_asked(client, f"/review/{query}") for _ in range(rounds)], GOAL) for name, query in QUEUE]
    pks = random.Random(7).sample(list(Case.objects.values_list("pk", flat=True)), rounds)
    _line("a case", [_asked(client, f"/review/cases/{pk}/") for pk in pks])
    return found


def _asked(client: Any, address: str) -> float:
    begun = time.perf_counter()
    response = client.get(address)
    took = 1000 * (time.perf_counter() - begun)
    assert response.status_code == 200, (address, response.status_code)
    return took


def _line(name: str, times: list[float], goal: Goal | None = None) -> float:
    most = statistics.quantiles(times, n=20)[-1]
    said = f"{goal}: {'met' if goal.is_met(most) else 'MISSED'}" if goal else ""
    print(f"  {name:30} {statistics.median(times):8.1f} {most:8.1f} {max(times):8.1f}   {said}", flush=True)
    return most


def _reviewer() -> Any:
    """A browser in which somebody of the staff is signed in, who has some cases in hand."""
    from allauth.mfa.models import Authenticator
    from django.test import Client

    from accounts.models import User
    from namespaces.models import Case
    from review.services.desk import give

    user = User.objects.create_user("rita@example.com", is_staff=True)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    for case in Case.objects.queued()[:5]:
        give(case, user)
    client = Client()
    client.force_login(user)
    return client


# --- What stands in the queue -----------------------------------------------------------------------------------------


def fill(count: int) -> None:
    """So many waiting cases, a tenth as many asked, proposed and decided ones, and what belongs to them."""
    from namespaces.models import Case, CaseDecision, CaseEntry, CaseEvaluation, Project

    draw = random.Random(1)
    organizations = _organizations(count)
    Project.objects.bulk_create(_projects(count, draw))
    cases = Case.objects.bulk_create(_cases(count, organizations, draw), batch_size=2_000)
    CaseEntry.objects.bulk_create(
        [CaseEntry(case=case, kind="filed", party="applicant", text=case.statement) for case in cases], batch_size=2_000
    )
    CaseEvaluation.objects.bulk_create(_evaluations(cases, draw), batch_size=500)
    CaseDecision.objects.bulk_create(_decisions(cases), batch_size=2_000)


def _organizations(count: int) -> list[Any]:
    from orgs.models import Organization

    made = [
        Organization(name=f"org{number}", display_name=f"Organization {number}", kind="company", state="active")
        for number in range(count)
    ]
    return list(Organization.objects.bulk_create(made, batch_size=2_000))


def _projects(count: int, draw: random.Random) -> Iterator[Any]:
    from django.utils import timezone

    from namespaces.models import Project

    now = timezone.now()
    for number in range(5 * count):
        since = now - timedelta(hours=draw.randrange(1, 80_000))
        name = f"{draw.choice(WORDS)}-{number % count}-part{number}"
        yield Project(name=name, owner=f"user:u{number % 3_000}", first_uploaded=since)


def _cases(count: int, organizations: list[Any], draw: random.Random) -> Iterator[Any]:
    """Names share their first words as real ones do, so that many overlap."""
    from django.utils import timezone

    now = timezone.now()
    states = ["waiting"] * count + ["asked", "proposed", "approved", "refused"] * (count // 40)
    for number, state in enumerate(states):
        since = now - timedelta(minutes=draw.randrange(1, 90 * 24 * 60))
        yield _case(number, state, since, organizations[number % len(organizations)], draw)


def _case(number: int, state: str, since: Any, organization: Any, draw: random.Random) -> Any:
    from django.utils import timezone

    from namespaces.models import Case

    is_application = number % 10 == 0 and state == "waiting"
    name = "-".join([draw.choice(WORDS), str(number), draw.choice(WORDS)][: draw.choice([2, 2, 2, 3])])
    name = draw.choice(WORDS) if number % 200 == 1 else name
    is_over = state in {"approved", "refused"}
    return Case(
        kind="application" if is_application else "claim",
        state=state,
        organization=organization,
        name="" if is_application else name,
        display_name="" if is_application else name,
        wanted_kind="community" if is_application else "",
        statement="We make what everybody needs, and have done so for years. " * 5,
        priority=int(number % 7 == 0),
        stake="high" if number % 20 == 0 or state == "proposed" else "ordinary",
        open_criteria=draw.sample(["proofs", "identifies", "not_common", "in_use", "harm", "outside"], 3),
        asked="applicant" if state == "asked" else "",
        asked_at=since if state == "asked" or number % 15 == 0 else None,
        filed_at=since,
        waiting_since=since,
        decided_at=timezone.now() - timedelta(hours=number % 200) if is_over else None,
    )


def _evaluations(cases: list[Any], draw: random.Random) -> Iterator[Any]:
    """Each over facts such as are gathered in life: projects of others, names that are like it, proofs."""
    from dataclasses import asdict

    from namespaces.models import CaseEvaluation
    from namespaces.policy.evaluate import evaluate
    from namespaces.policy.thresholds import Thresholds

    limits = Thresholds()
    for case in cases:
        if case.kind == "claim":
            inputs = _inputs(case, draw)
            result = evaluate(inputs, limits)
            yield CaseEvaluation(
                case=case,
                moment="filed",
                inputs=inputs.as_json(),
                thresholds=asdict(limits),
                result=result.as_json(),
                outcome=result.outcome,
            )


def _inputs(case: Any, draw: random.Random) -> Any:
    from namespaces.policy import inputs as facts
    from orgs.vocabulary import Kind, ProofKind, ProofState, Standing, State

    applicant = facts.Applicant(
        name=case.organization.name,
        display_name=case.organization.display_name,
        kind=Kind.COMPANY,
        state=State.ACTIVE,
        standing=Standing.GOOD,
        age_days=draw.randrange(900),
        proofs=(facts.ProofFact(kind=ProofKind.DNS, subject=f"{case.name}.example", state=ProofState.VERIFIED),),
    )
    near = tuple(
        facts.NearName(
            name=f"{case.name}{letter}", source=facts.Source.POPULAR, likeness=facts.Likeness.EDITED, distance=1
        )
        for letter in "abcdef"
    )
    projects = facts.Projects(own=draw.randrange(4), outside=draw.randrange(40), outside_owners=draw.randrange(20))
    day = case.filed_at.date()
    return facts.ClaimInputs(prefix=case.name, on=day, applicant=applicant, projects=projects, near=near)


def _decisions(cases: list[Any]) -> Iterator[Any]:
    from namespaces.models import CaseDecision

    states = {"proposed": "proposed", "approved": "effective", "refused": "effective"}
    for case in cases:
        if state := states.get(case.state):
            outcome = "refuse" if case.state == "refused" else "approve"
            yield CaseDecision(case=case, outcome=outcome, state=state, effective_at=case.decided_at)


if __name__ == "__main__":
    sys.exit(main())
