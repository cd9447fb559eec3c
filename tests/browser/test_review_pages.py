"""The review desk in Chromium: its pages in every way, and what its keys do."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from namespaces.cases import CaseState
from review.services.desk import add_note, take_case
from tests.browser.walk import Visit, every_way, in_browser, open_context, walk
from tests.review.desk import Desk, staff

pytestmark = in_browser

VISITS = (
    Visit("review-queue", "/review/"),
    Visit("review-case", "/review/cases/<case>/"),
    Visit("review-proofs", "/review/proofs/"),
)


@pytest.fixture
def desk(transactional_db: None) -> Desk:
    found = Desk()
    rita = staff(found.rita)
    for case in (found.clear, found.contested, found.application):
        take_case(actor=rita, case=case)
    add_note(actor=rita, case=found.contested, text="The lamp is well known.\n\nWhat of the university?")
    take_case(actor=staff(found.otto), case=found.grave)
    return found


@pytest.fixture
def site(desk: Desk, live_server: LiveServer) -> str:
    return live_server.url


def visits(desk: Desk) -> list[Visit]:
    tabs = ["", "?tab=second", "?tab=mine", "?tab=asked", "?tab=decided", "?q=zzz"]
    found = [Visit("review-queue", f"/review/{query}") for query in tabs]
    found += [
        Visit("review-case", f"/review/cases/{case.pk}/") for case in vars(desk).values() if hasattr(case, "stake")
    ]
    found.append(Visit("review-case", f"/review/cases/{desk.clear.pk}/?answer=not-yours"))
    return [*found, Visit("review-proofs", "/review/proofs/"), Visit("review-organizations", "/review/organizations/")]


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, desk: Desk, way: dict[str, Any]) -> None:
    walk(browser, site, visits(desk), way, desk.rita)


def at(page: Page, site: str, address: str) -> None:
    page.goto(address)
    expect(page.locator("[data-desk-legend]")).to_be_visible()
    assert page.url == f"{site}{address}"


class TestKeys:
    """A clear case takes at most three of them, and the next follows by itself."""

    @pytest.fixture
    def page(self, browser: Browser, site: str, desk: Desk) -> Any:
        with open_context(browser, site, desk.rita) as context:
            yield context.new_page()

    def press(self, page: Page, *keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    def test_two_to_approve(self, page: Page, site: str, desk: Desk) -> None:
        at(page, site, f"/review/cases/{desk.contested.pk}/")
        self.press(page, "a", "Enter")
        expect(page.get_by_text("lumen: approved.")).to_be_visible()
        expect(page).to_have_url(f"{site}/review/cases/{desk.clear.pk}/")
        desk.contested.refresh_from_db()
        assert desk.contested.state == CaseState.APPROVED
        page.get_by_role("link", name="Undo").click()
        expect(page.get_by_role("heading", name="Undo the decision")).to_be_visible()
        self.press(page, "u")
        page.keyboard.type("A mistake.")
        page.get_by_role("button", name="Undo it").click()
        expect(page.get_by_text("Undone, and those concerned were told.")).to_be_visible()
        desk.contested.refresh_from_db()
        assert desk.contested.state == CaseState.WAITING

    def test_three_to_refuse_with_criteria_and_what_would_change_it(self, page: Page, site: str, desk: Desk) -> None:
        at(page, site, f"/review/cases/{desk.clear.pk}/")
        self.press(page, "r", "3", "Enter")
        expect(page.get_by_text("widgets: refused.")).to_be_visible()
        decision = desk.clear.decisions.get()
        assert decision.criteria == ["outside"] and "Claim a longer prefix" in decision.text

    def test_three_to_ask(self, page: Page, site: str, desk: Desk) -> None:
        at(page, site, f"/review/cases/{desk.clear.pk}/")
        self.press(page, "q", "1", "Enter")
        expect(page.get_by_text("widgets: asked.")).to_be_visible()
        desk.clear.refresh_from_db()
        assert desk.clear.state == CaseState.ASKED

    def test_from_the_queue_to_a_decision(self, page: Page, site: str, desk: Desk) -> None:
        at(page, site, "/review/")
        self.press(page, "n")
        expect(page).to_have_url(f"{site}/review/cases/{desk.clear.pk}/")
        expect(page.get_by_role("button", name="Decide")).to_be_visible()
        self.press(page, "a", "Enter")
        expect(page.get_by_text("widgets: approved.")).to_be_visible()

    def test_the_second_of_two(self, page: Page, site: str, desk: Desk) -> None:
        proposed = desk.proposed
        at(page, site, f"/review/cases/{proposed.pk}/")
        self.press(page, "t")
        expect(page.get_by_role("button", name="Agree and approve")).to_be_visible()
        self.press(page, "a", "Enter")
        expect(page.get_by_text("zeta: approved.")).to_be_visible()

    def test_in_a_field_they_are_letters(self, page: Page, site: str, desk: Desk) -> None:
        at(page, site, f"/review/cases/{desk.clear.pk}/")
        self.press(page, "r", "e")
        page.keyboard.type("a narrow q1")
        expect(page.get_by_label("To the applicant")).to_have_value("a narrow q1")
        expect(page.get_by_role("radio", name="Refuse")).to_be_checked()
        self.press(page, "Escape", "a")
        expect(page.get_by_role("radio", name="Approve")).to_be_checked()
        expect(page.get_by_label("To the applicant")).to_have_value("a narrow q1")

    def test_another_outcome_takes_back_what_was_filled_in_and_not_what_was_typed(
        self, page: Page, site: str, desk: Desk
    ) -> None:
        at(page, site, f"/review/cases/{desk.clear.pk}/")
        self.press(page, "r", "1", "a")
        expect(page.get_by_label("To the applicant")).to_have_value("")
        self.press(page, "r", "1", "e", "End")
        page.keyboard.type(" So it is.")
        self.press(page, "Escape", "2")
        text = page.get_by_label("To the applicant").input_value()
        assert "So it is." in text and "Nothing proves yet who" in text

    def test_switched_off_they_do_nothing(self, page: Page, site: str, desk: Desk) -> None:
        at(page, site, f"/review/cases/{desk.clear.pk}/")
        page.get_by_role("button", name="Switch keys off").click()
        expect(page.get_by_text("The keys are switched off.")).to_be_visible()
        self.press(page, "a", "r", "n")
        expect(page.get_by_role("radio", name="Approve")).not_to_be_checked()
        assert page.url == f"{site}/review/cases/{desk.clear.pk}/"
        page.get_by_role("button", name="Switch keys on").click()
        expect(page.get_by_text("choose an answer")).to_be_visible()


def test_a_case_is_decided_without_javascript(browser: Browser, site: str, desk: Desk) -> None:
    with open_context(browser, site, desk.rita, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/review/?q=widgets")
        page.get_by_role("link", name="widgets").click()
        page.locator("label[for=outcome-refuse]").click()
        page.get_by_role("link", name="A common word").click()
        expect(page.get_by_role("radio", name="Refuse")).to_be_checked()
        expect(page.get_by_role("checkbox", name="It is not common")).to_be_checked()
        page.get_by_role("button", name="Refuse").click()
        expect(page.get_by_text("widgets: refused.")).to_be_visible()
    assert desk.clear.decisions.get().criteria == ["not_common"]
