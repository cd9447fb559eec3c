"""The components: what they are given is escaped, and what assistive technology needs is wired."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.template import engines

from freehold.samples import Item, Viewer
from freehold.ui import initials
from orgs.models import Organization
from orgs.vocabulary import Kind, Standing, State

EVIL = "<script>alert('x')</script>\"><b>"
AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


PROPS: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("text", "label", "heading", "hint", "error", "name", "value", "id", "about", "legend", "term", "who"),
            *("secondary", "href", "action", "cancel", "reset", "dialog", "accept", "caption", "current"),
        ),
        EVIL,
    ),
    "at": AT,
    "viewer": Viewer(EVIL, EVIL),
    "items": [Item(EVIL, EVIL, current=True), Item("Other", "/other/")],
    "messages": [],
    "organization": Organization(name="acme", display_name=EVIL, kind=Kind.COMPANY, state=State.ACTIVE),
}
SPECIAL: dict[str, dict[str, Any]] = {
    "progress": {**PROPS, "value": 3, "limit": 5},
    "toast": {**PROPS, "level": "error"},
    "private-head": {},
}
ELSEWHERE = {"pagination", "error-summary"}
"""Seen on /design/ with Django's paginator, and in test_forms.py."""
COMPONENTS = sorted(path.stem for path in (settings.BASE_DIR / "templates" / "components").glob("[!_]*.html"))


def render(text: str, /, **context: Any) -> str:
    return str(engines["django"].from_string(text).render(context, HttpRequest()))


def draw(component_name: str, body: str = "", /, **props: Any) -> str:
    given = " ".join(f"{name}={name}" for name in props)
    return render(f'{{% component "{component_name}" {given} %}}{body}{{% endcomponent %}}', **props)


class Page(HTMLParser):
    """The tags of a piece of HTML, and that each that is opened is closed."""

    VOID = frozenset({"input", "meta", "link", "br", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def one(self, tag: str, **attributes: str) -> dict[str, str | None]:
        found = [have for name, have in self.tags if name == tag and attributes.items() <= have.items()]
        assert len(found) == 1, (tag, attributes, self.tags)
        return found[0]


@pytest.mark.parametrize("name", [name for name in COMPONENTS if name not in ELSEWHERE])
class TestEveryComponent:
    def test_escapes_what_it_is_given(self, name):
        drawn = draw(name, **SPECIAL.get(name, PROPS))
        assert "<b>" not in drawn
        assert "alert('x')" not in drawn

    def test_closes_what_it_opens(self, name):
        assert Page(draw(name, **SPECIAL.get(name, PROPS))).open == []

    def test_says_what_it_takes(self, name):
        source = (settings.BASE_DIR / "templates" / "components" / f"{name}.html").read_text()
        assert re.match(r"({% load [\w ]+ %})?\s*{# ", source)

    def test_has_no_style_and_no_script_of_its_own(self, name):
        source = (settings.BASE_DIR / "templates" / "components" / f"{name}.html").read_text()
        assert not re.search(r"\sstyle=|<style|<script|\son[a-z]+=", source)


def test_every_component_is_shown_on_the_page_of_the_components():
    shown = (settings.BASE_DIR / "templates" / "design.html").read_text()
    inside_others = {"private-head", "messages", "plan", "demo-strip", "initials", "time"}
    missing = {name for name in COMPONENTS if f'"{name}"' not in shown and f"components/{name}.html" not in shown}
    assert missing <= inside_others


class TestFields:
    @pytest.mark.parametrize("name", ["field", "select", "textarea", "file"])
    def test_hint_and_error_describe_the_control(self, name):
        tag = {"select": "select", "textarea": "textarea"}.get(name, "input")
        control = Page(draw(name, name="x", label="X", hint="why", error="no")).one(tag)
        assert (control["id"], control["aria-invalid"]) == ("field-x", "true")
        assert control["aria-describedby"] == "field-x-hint field-x-error"

    @pytest.mark.parametrize("name", ["field", "select", "textarea", "file", "checkbox"])
    def test_a_control_that_is_fine_is_described_by_nothing(self, name):
        tag = {"select": "select", "textarea": "textarea"}.get(name, "input")
        control = Page(draw(name, name="x", label="X")).one(tag)
        assert not {"aria-invalid", "aria-describedby"} & set(control)

    def test_a_group_is_described_too(self):
        page = Page(draw("fieldset", name="x", legend="X", hint="why", error="no"))
        assert page.one("fieldset")["aria-describedby"] == "field-x-hint field-x-error"

    def test_what_may_be_left_out_says_so(self):
        assert "(optional)" in draw("field", name="x", label="X", optional=True)
        assert "(optional)" not in draw("field", name="x", label="X")

    def test_boxes_of_one_name_have_ids_of_their_own(self):
        box = Page(draw("checkbox", name="scope", id="scope-1", value="check", label="Check", checked=True))
        assert box.one("input") | {"checked": None} == {
            "class": "choice__input",
            "id": "field-scope-1",
            "name": "scope",
            "type": "checkbox",
            "value": "check",
            "checked": None,
        }
        assert box.one("label")["for"] == "field-scope-1"

    def test_a_switch_is_announced_as_one(self):
        assert Page(draw("checkbox", name="x", label="X", switch=True)).one("input")["role"] == "switch"


class TestForms:
    def test_a_form_carries_its_token_even_inside_a_component(self):
        page = '{% component "dialog" id="d" heading="D" %}{% component "form" text="Go" %}{% endcomponent %}{% endcomponent %}'
        token = Page(render(page, csrf_token="secret")).one("input", name="csrfmiddlewaretoken")
        assert token["value"] == "secret"

    def test_a_button_that_posts_does_too(self):
        page = Page(render('{% component "post-button" text="Go" action="/x/" %}{% endcomponent %}', csrf_token="s"))
        assert page.one("form")["method"] == "post"
        assert page.one("input", name="csrfmiddlewaretoken")["value"] == "s"

    def test_signing_out_posts(self):
        text = '{% include "components/user-menu.html" with viewer=viewer csrf_token=csrf_token only %}'
        page = Page(render(text, viewer=Viewer("Ada", "a@b.c"), csrf_token="s"))
        assert all(form["method"] == "post" for tag, form in page.tags if tag == "form")

    def test_a_filter_gets(self):
        assert Page(draw("filter")).one("form")["method"] == "get"


class TestDialogs:
    def test_the_button_is_a_link_for_those_without_javascript(self):
        link = Page(draw("button", text="Remove", href="/people/7/remove/", dialog="remove-7")).one("a")
        assert (link["href"], link["data-dialog"]) == ("/people/7/remove/", "remove-7")

    def test_the_dialog_is_called_by_its_heading(self):
        page = Page(draw("dialog", id="remove-7", heading="Remove?"))
        assert page.one("dialog")["aria-labelledby"] == page.one("h2")["id"] == "remove-7-heading"


class TestState:
    @pytest.mark.parametrize(
        ("level", "role"), [("success", "status"), ("info", "status"), ("warning", "status"), ("error", "alert")]
    )
    def test_toasts_are_announced(self, level, role):
        page = Page(draw("toast", text="Done", level=level))
        assert page.one("div")["role"] == role
        assert "hidden" in page.one("button")  # until JavaScript can do something with it

    def test_the_current_step_is_marked_and_a_done_one_says_so(self):
        assert 'aria-current="step"' in draw("step", text="Proof", state="current")
        assert "(done)" in draw("step", text="Proof", state="done")
        assert "aria-current" not in draw("step", text="Proof")

    def test_a_list_to_do_says_what_is_done_in_words(self):
        assert "Done:" in draw("todo", text="Prove", done=True)
        assert "To do:" in draw("todo", text="Prove")

    @pytest.mark.parametrize("name", ["nav-list", "tabs"])
    def test_the_current_page_is_marked(self, name):
        page = Page(draw(name, label="L", items=[Item("A", "/a/", current=True), Item("B", "/b/")]))
        assert page.one("a", href="/a/")["aria-current"] == "page"
        assert "aria-current" not in page.one("a", href="/b/")

    def test_progress_says_in_words_what_it_shows(self):
        bar = Page(draw("progress", value=3, limit=5, text="3 of 5 seats")).one("progress")
        assert (bar["value"], bar["max"], bar["aria-label"]) == ("3", "5", "3 of 5 seats")

    def test_progress_shows_when_it_is_full(self):
        assert "progress__bar--full" in draw("progress", value=5, limit=5, text="")
        assert "progress__bar--full" not in draw("progress", value=4, limit=5, text="")

    @pytest.mark.parametrize(
        ("state", "standing", "words"),
        [
            (State.APPLIED, Standing.GOOD, "Applied"),
            (State.ACTIVE, Standing.GOOD, "Active"),
            (State.ACTIVE, Standing.GRACE, "Grace period"),
            (State.ACTIVE, Standing.LAPSED, "Lapsed"),
            (State.SUSPENDED, Standing.LAPSED, "Suspended"),
            (State.CLOSED, Standing.GOOD, "Closed"),
        ],
    )
    def test_an_organization_shows_what_matters_most(self, state, standing, words):
        drawn = draw("organization-badge", organization=Organization(state=state, standing=standing))
        assert drawn.count("badge ") == 1
        assert f">{words}</span>" in drawn


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Lovelace", "AL"),
        ("Ada King Lovelace", "AL"),
        ("ada@example.com", "A"),
        ("acme-rockets", "AR"),
        ("ß", "SS"),
        ("", "?"),
        ("@", "?"),
        ("- (x)", "?"),
        ("  ", "?"),
    ],
)
def test_initials(name, letters):
    assert initials(name) == letters
