"""Reports of namespaces in Chromium: the form, both sides of a case, the desk, and what stops new projects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from namespaces.cases import CaseState, Ground
from namespaces.models import BlockedAttempt, Case, Grant
from namespaces.services import disputes, lifecycle
from namespaces.states import GrantState, LockCause
from orgs.actors import Actor
from orgs.vocabulary import Role
from tests import factories
from tests.browser.walk import Visit, every_way, in_browser, open_context, walk
from tests.cases.disputes.stage import DISMISSED, Stage, person

pytestmark = in_browser

STATEMENT = (
    "Acme Anvils has been called so since 1949, and we publish under this name on other indexes.\n\n"
    "Whoever holds it here has no connection with us, and people write to us when its releases fail."
)
ANSWER = "We are Acme Rockets, founded in 1961. The domain acme-rockets.example is ours, and the projects are, too."


def visits(stage: Stage) -> dict[User, list[Visit]]:
    """What each of them sees, after the others have done their part."""
    asked, decided = Case.objects.get(state=CaseState.ASKED), Case.objects.filter(state=CaseState.REFUSED).get()
    upheld = Case.objects.get(state=CaseState.APPROVED)
    assert stage.first.user is not None
    manage = "/manage/acme"
    return {
        stage.reporter: [
            Visit("namespace-report", "/namespaces/other/report/"),
            Visit("namespace-report", "/namespaces/other-labs/report/"),
            Visit("namespace-report", "/namespaces/acme/report/"),
            Visit("namespace-report", "/namespaces/free/report/", 404),
            Visit("case", f"/cases/{asked.pk}/"),
            Visit("case", f"/cases/{upheld.pk}/"),
            Visit("namespace", "/namespaces/acme/"),
        ],
        stage.owner: [
            Visit("namespace-report", "/namespaces/acme/report/"),
            Visit("case", f"/cases/{asked.pk}/"),
            Visit("case", f"/cases/{decided.pk}/"),
            Visit("organization-overview", f"{manage}/"),
            *(
                Visit("organization-namespace", f"{manage}/namespaces/{name}/")
                for name in ("acme", "acme-labs", "taken", "waiting", "lapsed", "gone")
            ),
            Visit("organization-namespace", f"{manage}/namespaces/acme/?project=acme-x&kind=user&publisher=mia"),
            Visit("organization-namespace-blocked", f"{manage}/namespaces/acme/blocked/"),
            Visit("organization-namespace-blocked", f"{manage}/namespaces/acme/blocked/?q=nothing"),
            Visit("organization-namespace-blocked", f"{manage}/namespaces/acme-labs/blocked/"),
        ],
        stage.first.user: [
            Visit("review-case", f"/review/cases/{asked.pk}/"),
            Visit("review-case", f"/review/cases/{Case.objects.get(state=CaseState.WAITING).pk}/"),
        ],
    }


VISITS = (
    Visit("namespace-report", ""),
    Visit("organization-namespace-blocked", ""),
)
"""The pages that are visited here and nowhere else; their addresses stand in ``visits``."""


@pytest.fixture
def stage(transactional_db: None) -> Stage:
    """A namespace whose holder is asked, and others that have been decided about, or are stopped for other reasons."""
    stage = Stage()
    stage.holder.display_name = "Acme Rockets"
    stage.holder.save()
    stage.owner.name = "Olga Owner"
    stage.owner.save()
    factories.member(stage.holder, "mia", Role.MEMBER)
    factories.team(stage.holder, "mia", grants=[stage.root], name="Labs")
    factories.trusted(stage.holder, issuer="https://token.actions.githubusercontent.com", repository_owner="acme")
    dismissed = stage.report(by=person(), statement="We want it.", ground=Ground.ABANDONED)
    stage.decide(dismissed, DISMISSED, text="It is in use, as everybody can see.", criteria=[Ground.ABANDONED])
    anvils = factories.organization("anvils")
    anvils.display_name = "Acme Anvils"
    anvils.save()
    anvils.memberships.create(user=stage.reporter, role=Role.OWNER)
    case = stage.report(statement=STATEMENT, evidence_url="https://register.example/anvils", named=anvils)
    stage.ask_holder(disputes.freeze(actor=stage.first, case=case, text="Until we know more."), "What shows that?")
    uphold(stage, factories.grant("taken", stage.holder))
    others(stage)
    return stage


def uphold(stage: Stage, grant: Grant) -> None:
    stage.decide(stage.hear(stage.report(grant, statement=STATEMENT), ANSWER), text="The evidence was false.")


def others(stage: Stage) -> None:
    holder = factories.organization("somebody")
    other = factories.grant("other", holder)
    factories.grant("other-labs", holder, root=other)
    factories.grant("waiting", stage.holder, state=GrantState.HELD)
    lapsed = factories.grant("lapsed", stage.holder)
    operator = Actor.operator()
    lifecycle.lock_namespace(actor=operator, grant=lapsed, cause=LockCause.STANDING, reason="Invoice 17 is open.")
    lifecycle.lock_namespace(actor=operator, grant=lapsed, reason="We look into its keys.")
    lifecycle.release_namespace(actor=stage.holders_actor, grant=factories.grant("gone", stage.holder))
    stage.report(other, by=person(), ground=Ground.ABUSE, statement="It steals keys.")
    for number in range(60):
        BlockedAttempt.objects.create(
            namespace="acme",
            project=f"acme-{'very-' * (number % 4)}wanted-{number}",
            publisher=f"user wile{number}",
            reason="reserved" if number % 3 else "locked",
            count=number + 1,
            last_at=timezone.now() - timedelta(hours=number),
        )


@pytest.fixture
def site(stage: Stage, live_server: LiveServer) -> str:
    return live_server.url


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, stage: Stage, way: dict[str, Any]) -> None:
    for user, pages in visits(stage).items():
        walk(browser, site, pages, way, user)


# --- Both sides, from the report to the decision ----------------------------------------------------------------------


@contextmanager
def window(browser: Browser, site: str, user: User | None) -> Iterator[Page]:
    assert user is not None
    with open_context(browser, site, user, viewport={"width": 1280, "height": 800}) as context:
        yield context.new_page()


def test_a_report_from_the_public_page_to_the_decision(
    browser: Browser, transactional_db: None, live_server: LiveServer
) -> None:
    stage, site = Stage(), live_server.url
    with window(browser, site, stage.reporter) as page:
        page.goto("/namespaces/acme/")
        page.get_by_role("link", name="Report this namespace").click()
        page.get_by_label("The holder passes for somebody else").check()
        page.get_by_label("What you report").fill(STATEMENT)
        page.get_by_role("button", name="Send the report").click()
        expect(page.get_by_text("Your report is with the reviewers.")).to_be_visible()
    case = Case.objects.get()
    desk = f"/review/cases/{case.pk}/"
    with window(browser, site, stage.first.user) as page:
        page.goto(desk)
        page.get_by_label("To both sides (optional)").fill("Until we know more.")
        page.get_by_role("button", name="Stop new projects for now").click()
        expect(page.get_by_text("New projects are stopped, and both sides were told.")).to_be_visible()
    stage.ask_holder(case)
    with window(browser, site, stage.owner) as page:
        page.goto("/manage/acme/")
        page.get_by_role("link", name="Answer to the report of acme").click()
        expect(page.get_by_role("heading", name="What was reported")).to_be_visible()
        page.get_by_label("Your answer").fill(ANSWER)
        page.get_by_role("button", name="Send the answer").click()
        expect(page.get_by_text("The holder answered")).to_be_visible()
    stage.decide(stage.fresh(case))
    with window(browser, site, stage.reporter) as page:
        page.goto(f"/cases/{case.pk}/")
        expect(page.get_by_text("Upheld by two reviewers")).to_be_visible()
        expect(page.get_by_text(ANSWER)).to_have_count(0)
        page.goto("/namespaces/acme/")
        expect(page.get_by_role("link", name="Report this namespace")).to_have_count(0)
