"""The page of a namespace: who decided, what became of it, and whom it left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from namespaces import pages_public
from namespaces.cases import CaseState
from namespaces.models import CaseDecision
from namespaces.pages import namespace_sheet
from namespaces.pages_public import Decider, older_projects, origin
from namespaces.public_log import RECENT
from namespaces.states import GrantState
from tests import factories
from tests.namespaces.test_public_pages import text_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def text(client: Client, name: str) -> str:
    factories.seal()
    return text_of(client.get(f"/namespaces/{name}/"))


# --- Who decided ------------------------------------------------------------------------------------------------------


def test_by_machine(client: Client) -> None:
    case = factories.case(factories.organization("acme"), state=CaseState.APPROVED)
    assert case.grant is not None
    assert origin(case.grant).by is Decider.MACHINE
    assert "Decided By machine, every criterion met" in text(client, "acme")


def test_by_reviewers_who_are_not_named(client: Client) -> None:
    reviewer, second = factories.reviewer(name="Rita Reviewer"), factories.reviewer(name="Sam Second")
    case = factories.case(factories.organization("acme"), state=CaseState.APPROVED, by=reviewer)
    assert "Decided By a reviewer" in text(client, "acme")
    CaseDecision.objects.filter(case=case).update(confirmed_by=second)
    told = text(client, "acme")
    assert "Decided By two reviewers" in told
    assert not [name for name in ("Rita", "Sam", reviewer.email) if name in told]


def test_by_hand_and_divided_off(client: Client) -> None:
    acme = factories.organization("acme")
    root = factories.grant("acme", acme)
    factories.grant("acme-labs", acme, root=root)
    assert "Decided By the operator" in text(client, "acme")
    assert "Decided Divided off by its holder" in text(client, "acme-labs")


def test_an_undone_decision_decided_nothing() -> None:
    case = factories.case(factories.organization("acme"), state=CaseState.APPROVED)
    CaseDecision.objects.update(state="undone")
    assert case.grant is not None
    assert origin(case.grant).by is Decider.OPERATOR


# --- What became of it ------------------------------------------------------------------------------------------------


def test_its_own_lines_the_newest_first(client: Client) -> None:
    acme = factories.organization("acme")
    grant = factories.grant("acme", acme, state=GrantState.HELD)
    factories.grant("acme-labs", acme)
    for state in (GrantState.ACTIVE, GrantState.LOCKED):
        grant.state = state
        grant.save()
    told = text(client, "acme")
    begin = told.index("What became of it")
    shown = told[begin : told.index("In the log, with all inside it")]
    assert [shown.index(word) for word in ("Locked", "Activated", "Approved, payment awaited")] == sorted(
        shown.index(word) for word in ("Locked", "Activated", "Approved, payment awaited")
    )
    assert "Granted" not in shown


def test_many_lines_are_left_to_the_log(client: Client) -> None:
    grant = factories.grant("acme", factories.organization("acme"))
    for number in range(RECENT):
        grant.state = GrantState.ACTIVE if number % 2 else GrantState.LOCKED
        grant.save()
    told = text(client, "acme")
    assert told.count("UTC") >= RECENT
    assert "Older lines, and those of all inside it" in told


# --- Whom it left alone -----------------------------------------------------------------------------------------------


def test_older_projects_of_others_go_on(client: Client) -> None:
    acme, friend = factories.organization("acme"), factories.organization("friend")
    since = timezone.now() - 10 * DAY
    grant = factories.grant("acme", acme, effective_at=since)
    factories.share(grant, friend)
    factories.grant("acme-labs", acme, root=grant, effective_at=since - 10 * DAY)
    before, after = since - DAY, since + DAY
    for name, owner, at in [
        ("acme", "acme", before),
        ("acme-friend", "friend", before),
        ("acme-old", "user:ann", before),
        ("acme-old-unknown", "", before),
        ("acme-young", "user:ann", after),
        ("acme-labs-old", "user:ann", since - 11 * DAY),
        ("acme-labs-between", "user:ann", before),
        ("acme-labsnot", "user:ann", before),
        ("acmelike", "user:ann", before),
    ]:
        factories.project(name, owner, at)
    assert older(grant.name, 8) == 4
    assert "4 projects of others were here before, and go on." in text(client, "acme")
    assert older("acme-labs", 2) == 1


def older(namespace: str, projects: int) -> int | None:
    sheet = namespace_sheet(namespace)
    assert sheet is not None
    return older_projects(sheet, projects)


def test_nobody_elses(client: Client) -> None:
    factories.grant("acme", factories.organization("acme"))
    factories.project("acme-x", "acme")
    assert "No project of anybody else was here before." in text(client, "acme")


def test_too_many_are_not_counted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_public, "COUNTED_UP_TO", 1)
    factories.grant("acme", factories.organization("acme"))
    for name in ("acme-x", "acme-y"):
        factories.project(name, "user:ann", timezone.now() - DAY)
    assert "before, and go" not in text(client, "acme")


def test_the_holder_and_the_guests_can_be_looked_up(client: Client) -> None:
    acme = factories.organization("acme")
    grant = factories.grant("acme", acme)
    assert "Shared with Nobody" in text(client, "acme")
    factories.share(grant, factories.organization("friend"))
    body = client.get("/namespaces/acme/").content.decode()
    assert all(f'href="/organizations/{name}/"' in body for name in ("acme", "friend"))
