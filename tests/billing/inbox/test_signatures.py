"""Who may tell us something: nobody but whoever has the secret, at about this time, in these very bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import stripe

from billing.gateway.signatures import TOLERANCE, BadSignature, verify
from tests.billing.inbox.letters import signed

BODY = '{"a": "ä"}'.encode()
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)  # it stands in the names of tests
OURS, FORMER = "whsec_ours", "whsec_former"


def is_good(header: str, body: bytes = BODY, secrets: tuple[str, ...] = (OURS,), at: datetime = NOW) -> bool:
    try:
        verify(body, header, secrets, at)
    except BadSignature:
        return False
    return True


def test_what_we_take_is_what_the_library_takes() -> None:
    header = signed(BODY, OURS)
    assert stripe.WebhookSignature.verify_header(BODY.decode(), header, OURS, 300)
    assert is_good(header, at=datetime.now(UTC))


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY[:-1], b'{"a":"\xc3\xa4"}'])
def test_another_body_is_not(body: bytes) -> None:
    assert not is_good(signed(BODY, OURS, at=NOW.timestamp()), body)


@pytest.mark.parametrize("seconds", [-1, 0, 1])
@pytest.mark.parametrize("way", [-1, 1])
def test_scenario_16_too_old_and_too_far_ahead_are_both_refused(way: int, seconds: int) -> None:
    limit = TOLERANCE.total_seconds()
    header = signed(BODY, OURS, at=1_000_000 + way * (limit + seconds))
    assert is_good(header, at=datetime.fromtimestamp(1_000_000, UTC)) is (seconds <= 0)


def test_scenario_19_while_the_secret_is_changed_both_are_taken_and_then_the_new_one_alone() -> None:
    by_both, by_former = signed(BODY, FORMER, OURS, at=NOW.timestamp()), signed(BODY, FORMER, at=NOW.timestamp())
    assert is_good(by_both, secrets=(OURS,)) and is_good(by_both, secrets=(FORMER,))
    assert is_good(by_former, secrets=(OURS, FORMER))
    assert not is_good(by_former, secrets=(OURS,))
    assert not is_good(by_former, secrets=())


GOOD = signed(BODY, OURS, at=NOW.timestamp())
TIME, DIGEST = GOOD.split(",")


@pytest.mark.parametrize(
    "header",
    [
        "",
        ",",
        "=",
        TIME,
        DIGEST,
        DIGEST.replace("v1", "v0") + "," + TIME,
        f"{TIME},{TIME},{DIGEST}",
        f"t=,{DIGEST}",
        f"t=-1,{DIGEST}",
        f"t=1e9,{DIGEST}",
        f"t=१२३,{DIGEST}",
        f"t={'9' * 400},{DIGEST}",
        f"{TIME},v1={'0' * 64}",
        f"{TIME},v1={DIGEST[3:].upper()}",
        f"{TIME},{DIGEST},v1=é",
        f"{TIME}," + ",".join([DIGEST] * 21),
        f"{TIME},{DIGEST}," + "v0=x," * 1000,
        f"{TIME}\0,{DIGEST}",
    ],
)
def test_a_header_in_another_form_is_refused_and_never_crashes(header: str) -> None:
    assert not is_good(header)


def test_other_schemes_beside_ours_are_left_aside() -> None:
    assert is_good(f"{TIME},v0=abc,{DIGEST},v2=x")


def test_a_digest_of_another_time_is_not_good() -> None:
    later = int((NOW + timedelta(seconds=1)).timestamp())
    assert not is_good(f"t={later},{DIGEST}")
