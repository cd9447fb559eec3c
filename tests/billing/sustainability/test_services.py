"""Entering what the index costs: by hand, from a file as a whole, and who may see it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billing.models import IndexCost, Openness
from billing.money import Money
from billing.services import costs
from billing.services.costs import BadFile, enter_cost, import_costs, parse_file, remove_cost, set_openness
from freehold.errors import Invalid, NotFound, NotPermitted
from orgs.actors import Actor
from orgs.models import AuditEvent
from tests import factories
from tests.billing.sustainability.rows import CSV, HEAD, entered, parsed

OPERATOR = Actor.operator()


class TestTyped:
    def test_it_is_taken_without_its_odd_spaces(self) -> None:
        found = parsed(month=" 2026-01 ", category=" Edge   servers", amount=" 12.5 ", currency=" EUR")
        assert (found.category, found.money) == ("Edge servers", Money(1250, "eur"))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"month": "2026-13"},
            {"month": "2026-1"},
            {"month": "٢٠٢٦-01"},
            {"means": "gift"},
            {"means": "in_kind"},
            {"category": " "},
            {"category": "x" * 61},
            {"category": "a\0b"},
            {"giver": "Edge Ltd"},
            {"means": "in_kind", "giver": "x" * 101},
            {"amount": "0"},
            {"amount": "-1"},
            {"amount": "1,250.00"},
            {"amount": "1e3"},
            {"amount": "1_000"},
            {"amount": "12.505"},
            {"amount": "9" * 13},
            {"amount": "1.5", "currency": "jpy"},
            {"currency": "xau"},
        ],
        ids=str,
    )
    def test_what_is_wrong_is_refused(self, wrong: dict[str, str]) -> None:
        with pytest.raises(Invalid):
            parsed(**wrong)


class TestFile:
    def test_what_the_lines_say(self) -> None:
        assert [(cost.category, cost.giver, str(cost.money)) for cost in parse_file(CSV)] == [
            ("Hosting", "", "1250.00 USD"),
            ("Bandwidth", "Edge Ltd", "90000.00 USD"),
        ]

    def test_as_spreadsheets_write_it(self) -> None:
        assert parse_file("\ufeff" + CSV.replace("\n", "\r\n").replace("month,", "Month ,")) == parse_file(CSV)

    def test_each_line_that_is_wrong_is_named(self) -> None:
        with pytest.raises(BadFile) as refusal:
            parse_file(f"{CSV}2026-13,Hosting,paid,,1,usd\n2026-02,Hosting,paid\n2026-02,Hosting,paid,,none,usd\n")
        assert [line.partition(":")[0] for line in refusal.value.lines] == ["Line 4", "Line 5", "Line 6"]

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "The first line must be"),
            ("month;category;means;giver;amount;currency\n", "The first line must be"),
            (HEAD, "no line with a cost"),
            (f'{CSV}2026-02,"Hosting,paid,,1,usd\n', "Line 4"),
            (f"{CSV}2026-01,hosting,paid,,7,usd\n2026-01, Hosting,paid,,7,USD\n", "Line 5: This stands in the file"),
            (f"{CSV}2026-02,Hosting,paid,,7,usd,more\n", "Line 4: It has not 6 columns"),
        ],
    )
    def test_a_file_that_is_no_good(self, text: str, why: str) -> None:
        with pytest.raises(BadFile) as refusal:
            parse_file(text)
        assert len(refusal.value.lines) == 1 and why in refusal.value.lines[0]

    def test_it_has_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(costs, "MOST_LINES", 1)
        with pytest.raises(BadFile, match="Nothing was read in") as refusal:
            parse_file(CSV)
        assert refusal.value.lines == ["Line 3: A file has at most 1 lines."]

    @given(
        st.text()
        | st.lists(
            st.sampled_from(["2026-01", "Hosting", "paid", "in_kind", "1.00", "usd", ",", "\n", '"', "\r", "\0"])
        ).map(lambda parts: HEAD + "".join(parts))
        | st.text().map(lambda text: HEAD + text)
        | st.lists(st.text(max_size=9), min_size=6, max_size=6).map(lambda cells: HEAD + ",".join(cells))
        | st.text(max_size=30).map(lambda amount: f"{HEAD}2026-01,Hosting,paid,,{amount},usd\n")
    )
    @example(HEAD + '"' + "x" * 200_000)
    @example(f"{HEAD}2026-01,Hosting,paid,,1E-999999999999999999,usd\n")
    def test_whatever_it_holds_it_is_read_or_refused(self, text: str) -> None:
        try:
            told, found = [], parse_file(text)
        except BadFile as refusal:
            told, found = refusal.lines, []
        assert 0 < len(told) <= costs.MOST_TOLD or found
        assert all(cost.money.amount > 0 for cost in found)


@pytest.mark.django_db
class TestEntering:
    def test_a_file_is_read_in_whole(self) -> None:
        assert import_costs(actor=OPERATOR, text=CSV) == 2
        assert sorted(IndexCost.objects.values_list("category", "amount", "entered_by")) == [
            ("Bandwidth", 9_000_000, "operator"),
            ("Hosting", 125_000, "operator"),
        ]

    def test_or_not_at_all(self) -> None:
        with pytest.raises(BadFile):
            import_costs(actor=OPERATOR, text=f"{CSV}2026-02,Hosting,paid,,none,usd\n")
        assert not IndexCost.objects.exists() and not AuditEvent.objects.exists()

    def test_entered_again_it_is_corrected(self) -> None:
        first = enter_cost(actor=OPERATOR, cost=parsed())
        again = enter_cost(actor=OPERATOR, cost=parsed(amount="7"))
        assert first == again and IndexCost.objects.get().amount == 700
        event = AuditEvent.objects.latest("pk")
        assert (event.before, event.after and event.after["amount"]) == ({"amount": 125_000}, 700)

    def test_what_is_there_already_leaves_no_event(self) -> None:
        import_costs(actor=OPERATOR, text=CSV)
        assert import_costs(actor=OPERATOR, text=CSV) == 2
        assert (IndexCost.objects.count(), AuditEvent.objects.count()) == (2, 2)

    def test_another_giver_month_or_currency_is_another_cost(self) -> None:
        given: dict[str, str] = {"means": "in_kind", "giver": "Edge Ltd"}
        for other in (
            {},
            given,
            given | {"giver": "Cloudy"},
            {"month": "2026-02"},
            {"currency": "eur"},
            {"category": "People"},
        ):
            enter_cost(actor=OPERATOR, cost=parsed(**other))
        assert IndexCost.objects.count() == 6

    def test_it_is_taken_out_once(self) -> None:
        cost = entered("2026-01", 100).pk
        remove_cost(actor=OPERATOR, cost=cost)
        assert not IndexCost.objects.exists()
        with pytest.raises(NotFound):
            remove_cost(actor=OPERATOR, cost=cost)

    def test_only_staff_does_it(self) -> None:
        somebody, cost = Actor.person(factories.user("sam")), entered("2026-01", 100).pk
        for act in (
            lambda: enter_cost(actor=somebody, cost=parsed()),
            lambda: import_costs(actor=somebody, text=CSV),
            lambda: remove_cost(actor=somebody, cost=cost),
        ):
            with pytest.raises(NotPermitted):
                act()
        assert IndexCost.objects.get().amount == 100


@pytest.mark.django_db
class TestOpenness:
    def test_it_is_one_row_that_changes(self) -> None:
        set_openness(actor=OPERATOR, is_public=True, currency="EUR")
        set_openness(actor=OPERATOR, is_public=False, currency="usd")
        row = Openness.objects.get()
        assert (row.is_public, row.currency) == (False, "usd")
        assert AuditEvent.objects.latest("pk").before == {"public": True, "currency": "eur"}

    def test_in_a_currency_that_we_know(self) -> None:
        with pytest.raises(Invalid):
            set_openness(actor=OPERATOR, is_public=True, currency="xau")

    def test_only_who_runs_freehold_decides(self) -> None:
        for actor in (Actor.staff(factories.reviewer()), Actor.worker(), Actor.person(factories.user("sam"))):
            with pytest.raises(NotPermitted):
                set_openness(actor=actor, is_public=True, currency="usd")
        assert not Openness.objects.exists()
