"""``/demo/people/``: who one can be, with a code that really signs in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.accounts.people import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def described(settings: Any, tmp_path: Path) -> list[dict[str, Any]]:
    settings.VAR_DIR = tmp_path
    people: list[dict[str, Any]] = [
        {"email": "bob@demo.example", "password": "pw-of-bob", "memberships": [], "is_staff": False},
        {"email": "rita@demo.example", "password": "pw-of-rita", "memberships": [], "is_staff": True},
    ]
    (tmp_path / "demo.json").write_text(json.dumps({"users": people}))
    return people


def test_reviewers_come_first_and_their_code_is_the_one_of_now(client: Client, described: list[dict[str, Any]]) -> None:
    rita = Person("rita@demo.example")
    rita.has_app()
    page = client.get("/demo/people/")
    text = page.content.decode()
    assert text.index("pw-of-rita") < text.index("pw-of-bob")
    row = next(row for row in page.context["people"] if row["email"] == rita.email)
    assert len(row["code"]) == 6
    assert rita.sign_in().status_code == 302
    answer = rita.post("/accounts/two-step/authenticate/", {"code": row["code"]})
    assert answer.status_code == 302, answer.content


@pytest.mark.parametrize("text", [None, "", "{", "{}"])
def test_without_a_demo_it_says_so(client: Client, settings: Any, tmp_path: Path, text: str | None) -> None:
    settings.VAR_DIR = tmp_path
    if text is not None:
        (tmp_path / "demo.json").write_text(text)
    assert "Nobody yet" in client.get("/demo/people/").content.decode()
