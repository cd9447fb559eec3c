"""Claiming and following a case in Chromium: each state as those concerned see it, and the walk through one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from namespaces.cases import CaseKind, CaseState, DecisionOutcome
from namespaces.models import Case
from namespaces.policy.evaluation import Key
from namespaces.services import casework, claims
from namespaces.services.decisions import confirm, decide
from orgs.actors import Actor
from orgs.models import Membership, Organization, Proof
from orgs.vocabulary import Kind, ProofKind, ProofState, Role, State
from tests import factories
from tests.browser.walk import Complaints, Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

WAITING, ASKED, REFUSED, HELD, SETTLED, OTHERS, LAST = 101, 102, 104, 106, 108, 109, 112
"""Numbers of cases in the order in which ``site`` makes them: one of each state; one is none of Ada's."""
EVERYBODY = (
    Visit("claim", "/claim/"),
    Visit("claim", "/claim/?name=Rocket.Works"),
    Visit("claim", "/claim/?name=taken"),
    Visit("claim", "/claim/?name=numbers"),
    Visit("claim", "/claim/?name=-no"),
)
ADA = (
    Visit("claim", "/claim/?name=comet&organization=comet"),
    Visit("claim", "/claim/?name=meteorix&organization=orbit"),
    Visit("cases", "/cases/"),
    Visit("organization-claims", "/manage/rocket-works/claims/"),
    Visit("organization-claims", "/manage/comet/claims/"),
    *(Visit("case", f"/cases/{number}/") for number in (ASKED, REFUSED, HELD, SETTLED)),
    Visit("case-edit", f"/cases/{WAITING}/edit/"),
    Visit("case-withdraw", f"/cases/{WAITING}/withdraw/"),
)
REST = (
    Visit("claim", "/claim/"),
    Visit("claim", "/claim/?name=comet-labs"),
    Visit("claim", "/claim/?name=asked&organization=rocket-works"),
    Visit("claim", "/claim/?name=rocket&organization=rocket-works"),
    Visit("claim", "/claim/?name=taken-more&organization=rocket-works"),
    Visit("dashboard", "/dashboard/"),
    Visit("organization-namespaces", "/manage/comet/namespaces/"),
    *(Visit("case", f"/cases/{number}/", 404 if number == OTHERS else 200) for number in range(WAITING, LAST + 1)),
    Visit("case-edit", f"/cases/{REFUSED}/edit/"),
    Visit("case-withdraw", f"/cases/{REFUSED}/withdraw/"),
)
"""What differs from the above in its words alone, and is visited in one way."""
OUTSIDER = (
    Visit("claim", "/claim/?name=comet"),
    Visit("cases", "/cases/"),
    Visit("", f"/cases/{WAITING}/", 404),
)
VISITS = (*EVERYBODY, *ADA, *REST, *OUTSIDER)
SEEN_BY = {"": EVERYBODY, "ada": ADA, "mallory": OUTSIDER}
STATEMENT = "We have made rockets since 2012.\n\nOur users know us by this name: see rocket.example/about."


def proved(organization: Organization, domain: str) -> Proof:
    return Proof.objects.create(
        organization=organization,
        kind=ProofKind.DNS,
        subject=domain,
        challenge="0" * 32,
        state=ProofState.VERIFIED,
        verified_at=timezone.now(),
    )


@pytest.fixture
def people() -> dict[str, User]:
    return {"ada": factories.user("ada", name="Ada Lovelace"), "mallory": factories.user(name="Mallory")}


@pytest.fixture
def rex() -> User:
    return factories.reviewer(name="Rex")


@pytest.fixture
def works(transactional_db: None, people: dict[str, User]) -> Organization:
    """A company that is not active yet, as most are when they file their first claim."""
    with connection.cursor() as cursor:  # the pages above name cases by their numbers
        cursor.execute("SELECT setval(pg_get_serial_sequence('namespaces_case', 'id'), 100)")
    works = named("rocket-works", "Rocket Works", state=State.APPLIED)
    proved(works, "rocket.example")
    return works


@pytest.fixture
def site(works: Organization, live_server: LiveServer, rex: User) -> str:
    """A case in every state, in the order of their numbers."""
    comet = named("comet", "The Comet Project", kind=Kind.COMMUNITY, state=State.APPLIED)
    orbit = named("orbit", "Orbit")
    proved(orbit, "meteorix.example")
    factories.grant("taken", factories.organization("taken-incorporated"))
    publish()
    staff = Actor.staff(rex)
    filed(works, "waiting")
    asked = filed(works, "asked")
    casework.say(actor=owner_of(works), case=asked, text="We can send you whatever you need.")
    casework.ask(actor=staff, case=asked, text="Which of the projects under this prefix are yours?\n\nAnd since when?")
    approve(staff, filed(works, "proposed"))
    second = Actor.staff(factories.reviewer())
    confirmed = filed(works, "numbers")
    refuse(staff, confirmed)
    confirm(actor=second, case=confirmed)
    again = filed(works, "again")
    refuse(staff, again)
    refuse(second, claims.appeal(actor=owner_of(works), case=again, text="You have not seen our users."))
    approve(staff, filed(works, "held"), "Welcome.")
    approve(staff, filed(orbit, "orbit"))
    filed(works, "settled")
    approve(staff, filed(factories.organization("quick-and-sons"), "settled"))
    casework.withdraw(actor=owner_of(works), case=filed(works, "withdrawn"))
    factories.case(comet, kind=CaseKind.APPLICATION)
    filed(works, "rocket")
    for hours in (3, 5, 8, 30, 70):
        case = factories.case(
            factories.organization(), state=CaseState.REFUSED, by=rex, filed_at=timezone.now() - timedelta(hours=hours)
        )
        assert case.pk > LAST
    return live_server.url


def publish() -> None:
    """Projects of many under two prefixes, and of one under another."""
    for number in range(40):
        owner = ("user:ann", "taken", "", "user:bob", "user:cleo-with-a-long-name", "someone", "else")[number % 7]
        made = datetime(2024, 6, 1, tzinfo=UTC) + timedelta(days=9 * number)
        for prefix in ("numbers", "proposed"):  # so many that two reviewers decide
            factories.project(f"{prefix}-{number}", owner, made)
    for number in range(3):
        factories.project(f"rocket-{number}", "rocket-works")


def named(name: str, display_name: str, **fields: Any) -> Organization:
    """Of which Ada is an owner."""
    organization = factories.organization(name, **fields)
    organization.display_name = display_name
    organization.save()
    factories.member(organization, "ada", Role.OWNER)
    return organization


def owner_of(organization: Organization) -> Actor:
    membership = Membership.objects.filter(organization=organization).first() or factories.member(
        organization, "someone"
    )
    return Actor.person(membership.user)


def filed(organization: Organization, name: str) -> Case:
    return claims.file_claim(actor=owner_of(organization), organization=organization, name=name, statement=STATEMENT)


def approve(staff: Actor, case: Case, text: str = "") -> None:
    decide(actor=staff, case=case, outcome=DecisionOutcome.APPROVE, text=text)


def refuse(staff: Actor, case: Case) -> None:
    criteria = [Key.IDENTIFIES, Key.COMMON]
    text = (
        "Nothing shows that the name is yours, and many others use it.\n\nA longer name that says who you are would do."
    )
    decide(actor=staff, case=case, outcome=DecisionOutcome.REFUSE, criteria=criteria, text=text)


@every_way
@pytest.mark.parametrize("who", SEEN_BY)
def test_every_page_in_every_way(
    browser: Browser, site: str, people: dict[str, User], who: str, way: dict[str, Any]
) -> None:
    walk(browser, site, SEEN_BY[who], way, people.get(who))


def test_every_other_state(browser: Browser, site: str, people: dict[str, User]) -> None:
    way = {"viewport": {"width": 360, "height": 800}, "color_scheme": "dark", "java_script_enabled": True}
    walk(browser, site, REST, way, people["ada"])


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
def test_a_claim_from_the_first_letter_to_the_answer(
    browser: Browser, works: Organization, live_server: LiveServer, people: dict[str, User], javascript: bool
) -> None:
    with open_context(browser, live_server.url, people["ada"], java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto("/claim/")
        page.get_by_label("Prefix").fill("Comet.Labs")
        if not javascript:
            page.get_by_role("button", name="Look it up").click()
        expect(page.get_by_role("heading", name="comet-labs", exact=True)).to_be_visible()
        expect(page.get_by_text("As things stand, a person looks at it")).to_be_visible()
        page.get_by_label("What should a reviewer know?").fill(STATEMENT)
        if javascript:  # what was typed stays while the answer around it changes
            page.get_by_label("Prefix").fill("comet")
            expect(page.get_by_role("button", name="Claim comet", exact=True)).to_be_visible()
            expect(page.get_by_label("What should a reviewer know?")).to_have_value(STATEMENT)
            expect(page).to_have_url(f"{live_server.url}/claim/?name=comet")
            page.get_by_label("Prefix").fill("Comet.Labs")
        page.get_by_role("button", name="Claim comet-labs", exact=True).click()
        expect(page.get_by_text("A person looks at it", exact=True)).to_be_visible()
        expect(page.get_by_text("We have made rockets since 2012.")).to_be_visible()
        case = Case.objects.get()
        assert (case.name, case.display_name) == ("comet-labs", "Comet.Labs")

        casework.ask(actor=Actor.staff(factories.reviewer()), case=case, text="Which are yours?")
        page.goto("/dashboard/")
        page.get_by_role("link", name="Claim of comet-labs").click()
        expect(page.get_by_text("A reviewer asks you")).to_be_visible()
        page.get_by_label("Your answer").fill("All of them.")
        page.get_by_role("button", name="Send the answer").click()
        expect(page.get_by_text("All of them.")).to_be_visible()
        expect(page.get_by_text("Yours is the next.")).to_be_visible()

        page.get_by_role("link", name="Withdraw").click()
        page.get_by_role("button", name="Withdraw it").click()
        expect(page.get_by_text("You took it back; nothing was decided.")).to_be_visible()


def test_what_is_found_is_told_to_those_who_listen(
    browser: Browser, works: Organization, live_server: LiveServer, people: dict[str, User]
) -> None:
    with open_context(browser, live_server.url, people["ada"]) as context:
        page = context.new_page()
        page.goto("/claim/")
        page.get_by_label("Prefix").press_sequentially("rocket")
        status = page.locator("#claim-said")
        expect(status).to_contain_text("rocket: Free")
        expect(status).to_contain_text("It would be granted at once.")


def test_somebody_without_an_account_sees_the_answer_as_they_type(
    browser: Browser, works: Organization, live_server: LiveServer
) -> None:
    with open_context(browser, live_server.url) as context:
        page = context.new_page()
        complaints = Complaints(page)
        page.goto("/claim/")
        page.get_by_label("Prefix").fill("rocket")
        expect(page.get_by_role("heading", name="rocket", exact=True)).to_be_visible()
        page.get_by_role("link", name="Sign in", exact=True).click()
        page.get_by_label("E-mail").wait_for()
        assert "next=%2Fclaim%2F%3Fname%3Drocket" in page.url
        assert complaints.found == []
