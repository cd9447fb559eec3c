"""Usage reports: what an index says of its traffic, and what comes of it by organization and month."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from namespaces.metering import InvalidEntries, parse_day, parse_entries
from namespaces.models import Usage
from namespaces.selectors import Traffic, traffic_by_organization
from namespaces.services.projects import put_project
from namespaces.services.usage import report_usage
from orgs.vocabulary import Scope
from tests import factories
from tests.conftest import IndexClient

DAY = "/api/v1/usage/2026-03-04"


def entry(project: Any = "acme-x", size: Any = 100, downloads: Any = 2) -> dict[str, Any]:
    return {"project": project, "bytes": size, "downloads": downloads}


def stored() -> list[tuple[Any, ...]]:
    return list(Usage.objects.order_by("day", "project").values_list("day", "project", "bytes", "downloads"))


def put(index: IndexClient, *entries: Any, path: str = DAY) -> Any:
    return index.put(path, {"projects": list(entries)})


@pytest.mark.django_db
class TestReport:
    def test_it_is_kept(self, index: IndexClient) -> None:
        response = put(index, entry("Acme.X"), entry("unheard-of", 0, 0), entry("big", 2**63 - 1, 2**63 - 1))
        assert (response.status_code, response.json()) == (200, {"day": "2026-03-04", "projects": 3})
        assert stored() == [
            (date(2026, 3, 4), "acme-x", 100, 2),
            (date(2026, 3, 4), "big", 2**63 - 1, 2**63 - 1),
            (date(2026, 3, 4), "unheard-of", 0, 0),
        ]

    def test_the_same_again_changes_nothing(self, index: IndexClient) -> None:
        put(index, entry())
        before = list(Usage.objects.values())
        assert put(index, entry("ACME_X")).status_code == 200
        assert list(Usage.objects.values()) == before

    def test_it_replaces_what_it_names_and_leaves_the_rest(self, index: IndexClient) -> None:
        put(index, entry("a", 1, 1), entry("b", 2, 2))
        put(index, entry("a", 5, 5), entry("c", 3, 3))
        put(index, entry("a", 7, 7), path="/api/v1/usage/2026-03-05")
        assert [row[1:] for row in stored()] == [("a", 5, 5), ("b", 2, 2), ("c", 3, 3), ("a", 7, 7)]

    def test_an_empty_one(self, index: IndexClient) -> None:
        assert put(index).json()["projects"] == 0

    def test_ten_thousand_at_once_and_no_more(self, index: IndexClient) -> None:
        many = [entry(f"p{number}", number, 1) for number in range(10_000)]
        assert put(index, *many).status_code == 200
        assert Usage.objects.count() == 10_000
        assert put(index, *many, entry()).status_code == 400

    def test_too_large_a_body(self, index: IndexClient) -> None:
        response = put(index, entry("x" * 3_000_000))
        assert (response.status_code, response["Content-Type"]) == (413, "application/problem+json")

    def test_tomorrow_has_begun_somewhere(self, index: IndexClient) -> None:
        today = timezone.now().date()
        for ahead, status in [(0, 200), (1, 200), (3, 400)]:
            day = today + timedelta(days=ahead)
            assert put(index, entry(), path=f"/api/v1/usage/{day}").status_code == status

    @pytest.mark.parametrize(
        "day", ["2026-3-4", "20260304", "2026-02-30", "2026-W10-3", "x", "٢٠٢٦-03-04", "2026-03-04T00:00"]
    )
    def test_what_is_no_day(self, index: IndexClient, day: str) -> None:
        response = put(index, entry(), path=f"/api/v1/usage/{day}")
        assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
        assert not stored()

    @pytest.mark.parametrize("body", [{}, [], "x", None, {"projects": None}, {"projects": {}}, {"projects": "x"}])
    def test_what_is_no_report(self, index: IndexClient, body: Any) -> None:
        assert index.put(DAY, body).status_code == 400

    @pytest.mark.parametrize(
        "bad",
        [
            7,
            None,
            {},
            entry(None),
            entry("no!name"),
            entry("\u212aelvin"),
            entry("x\n"),
            entry(size=-1),
            entry(size=2**63),
            entry(size="1"),
            entry(size=1.5),
            entry(size=True),
            entry(size=None),
            entry(downloads=-1),
            entry(downloads=2**63),
            {"project": "x", "bytes": 1},
            entry("good-b"),
            entry("GOOD_B"),
        ],
    )
    def test_one_bad_entry_refuses_all_and_is_named(self, index: IndexClient, bad: Any) -> None:
        put(index, entry("good-a", 1, 1))
        before = stored()
        response = put(index, entry("good-a", 9, 9), entry("good-b"), bad)
        assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
        assert list(response.json()["errors"]["projects"]) == ["2"]
        assert stored() == before

    def test_it_takes_the_scope(self) -> None:
        others = [scope for scope in Scope if scope is not Scope.USAGE]
        for token, status in [("nonsense", 401), (factories.token(*others), 403), (factories.token(Scope.USAGE), 200)]:
            assert put(IndexClient(token), entry()).status_code == status

    def test_the_database_refuses_what_can_not_be(self) -> None:
        for wrong in ({"bytes": -1}, {"downloads": -1}, {"project": "No.Name"}):
            fields = {"day": date(2026, 3, 4), "project": "x", "bytes": 1, "downloads": 1} | wrong
            with pytest.raises(IntegrityError), transaction.atomic():
                Usage.objects.create(**fields)


@given(st.lists(st.one_of(st.none(), st.fixed_dictionaries({"project": st.text(max_size=5), "bytes": st.integers()}))))
def test_a_report_is_taken_as_a_whole_or_its_errors_are_named(items: list[Any]) -> None:
    try:
        taken = len(parse_entries(items))
    except InvalidEntries as error:
        taken, named = 0, set(error.errors)
    else:
        named = set()
    assert named <= set(range(len(items)))
    assert bool(named) is (taken != len(items))


@given(st.dates())
def test_every_day_is_read_as_it_is_written(day: date) -> None:
    assert parse_day(day.isoformat()) == day


@pytest.mark.django_db
class TestByOrganization:
    @pytest.fixture(autouse=True)
    def reported(self) -> None:
        for name, owner in [("a", "acme"), ("b", "acme"), ("c", "other"), ("d", ""), ("e", "user:acme")]:
            factories.project(name, owner)
        month = [parse_entries([entry(name, size, 1)])[0] for name, size in [("a", 1), ("b", 10), ("c", 100)]]
        report_usage(day=date(2026, 2, 28), entries=parse_entries([entry("a", 5000, 1)]))
        report_usage(day=date(2026, 3, 1), entries=month)
        report_usage(
            day=date(2026, 3, 31), entries=[*month, *parse_entries([entry("d"), entry("e"), entry("unknown")])]
        )
        report_usage(day=date(2026, 4, 1), entries=parse_entries([entry("a", 7000, 1)]))

    def test_the_month_and_nothing_beside_it(self) -> None:
        assert traffic_by_organization(month=date(2026, 3, 17)) == {"acme": Traffic(22, 4), "other": Traffic(200, 2)}

    def test_of_one(self) -> None:
        assert traffic_by_organization(month=date(2026, 3, 1), organization="other") == {"other": Traffic(200, 2)}
        assert traffic_by_organization(month=date(2026, 2, 1), organization="other") == {}

    def test_sums_may_be_larger_than_the_parts(self) -> None:
        for day in (1, 2):
            report_usage(day=date(2025, 12, day), entries=parse_entries([entry("a", 2**63 - 1, 1)]))
        assert traffic_by_organization(month=date(2025, 12, 1))["acme"].bytes == 2**64 - 2

    def test_a_project_belongs_to_who_owns_it_now(self) -> None:
        put_project(name="c", owner="acme")
        assert traffic_by_organization(month=date(2026, 3, 1)) == {"acme": Traffic(222, 6)}
