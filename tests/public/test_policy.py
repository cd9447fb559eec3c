"""The page of the policy: whole, true to the numbers in force, and with a place for every criterion to link to."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from namespaces.cases import CaseKind, CaseState
from namespaces.policy import written
from namespaces.policy.evaluation import CommunityKey, Key
from namespaces.policy.thresholds import CommunityThresholds, Thresholds
from orgs.vocabulary import State
from tests import factories
from tests.namespaces.test_public_pages import text_of
from tests.public.test_statistics import HOUR, decided
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db


def test_every_criterion_has_its_words_and_its_place(client: Client) -> None:
    body = client.get("/policy/").content.decode()
    for key in (*Key, *CommunityKey):
        assert body.count(f'id="{written.anchor(key)}"') == 1
    assert not re.search(r"%\(|%%", body)


@pytest.mark.parametrize("cls", [Thresholds, CommunityThresholds])
def test_every_number_in_force_is_on_the_page(client: Client, settings: LazySettings, cls: type) -> None:
    """Each is set to one that stands nowhere else; those of both lists are told by the list."""
    unlike = {each.name: 31 + 2 * number for number, each in enumerate(fields(cls))}
    name = "FREEHOLD_POLICY" if cls is Thresholds else "FREEHOLD_COMMUNITY_POLICY"
    setattr(settings, name, cls(**unlike))
    context = client.get("/policy/").context
    listed = context["on_namespaces"] if cls is Thresholds else context["on_communities"]
    shown = " ".join([*(each.met_when for each in listed), *context["on_two_reviewers"]])
    numbers = set(map(int, re.findall(r"\d+", shown)))
    assert {name for name, number in unlike.items() if number not in numbers} == set()


def test_large_numbers_can_be_read(client: Client, settings: LazySettings) -> None:
    settings.FREEHOLD_POLICY = replace(settings.FREEHOLD_POLICY, outside_downloads=1_234_567)
    assert "1,234,567 downloads in 30 days" in text_of(client.get("/policy/"))


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("FREEHOLD_QUARANTINE", timedelta(days=181), "For 181 days nobody can start a project there"),
        ("FREEHOLD_HELD", timedelta(days=31), "is held for it for 31 days"),
        ("FREEHOLD_MAX_HYPHENS", 1, "A namespace has at most one hyphen."),
        ("FREEHOLD_UNDO", timedelta(hours=25), "Within 25 hours a reviewer can undo"),
    ],
)
def test_times_and_limits_are_those_in_force(
    client: Client, settings: LazySettings, setting: str, value: Any, sentence: str
) -> None:
    setattr(settings, setting, value)
    assert sentence in text_of(client.get("/policy/"))


def test_how_long_it_takes_is_what_it_took(client: Client) -> None:
    assert "People have decided too little" in text_of(client.get("/policy/"))
    for hours in (1, 2, 3, 30, 40):
        decided(hours * HOUR, state=CaseState.REFUSED)
    assert "half took 3 hours at most, and nine in ten 36 hours at most" in text_of(client.get("/policy/"))


def test_caches_may_keep_it_and_it_asks_the_database_once(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        response = client.get("/policy/")
    assert response["Cache-Control"] == "public, max-age=60"
    assert client.get("/policy/", headers={"If-None-Match": response["ETag"]}).status_code == 304


@pytest.mark.parametrize("address", ["/", "/namespaces/", "/log/", "/statistics/", "/policy/"])
def test_every_public_page_leads_to_them(client: Client, address: str) -> None:
    body = client.get(address).content.decode()
    footer = body[body.index("<footer") :]
    assert all(f'href="{each}"' in footer for each in ("/policy/", "/statistics/", "/log/"))


def test_a_verified_community_project_says_since_when(client: Client) -> None:
    organization = factories.organization("zebra", state=State.APPLIED)
    factories.case(organization, kind=CaseKind.APPLICATION, state=CaseState.APPROVED)
    assert "Verified as a community project Since" in text_of(client.get("/organizations/zebra/"))
    factories.organization("plain")
    assert "Verified as a community project" not in text_of(client.get("/organizations/plain/"))


def test_a_refusal_leads_to_the_criteria_on_which_it_rests(client: Client) -> None:
    acme = factories.organization("acme")
    owner = factories.member(acme, "wile")
    case = factories.case(acme, state=CaseState.REFUSED)
    page = signed_in(owner.user).get(f"/cases/{case.pk}/").content.decode()
    assert f'href="/policy/#{written.anchor(Key.IDENTIFIES)}"' in page
