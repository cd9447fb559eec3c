"""The commands on namespaces, as the operator meets them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from namespaces.models import BlockedAttempt, Grant, Share
from namespaces.states import GrantState
from orgs.models import AuditEvent, Organization
from orgs.vocabulary import Standing, State
from tests import factories
from tests.commands import help_of, process, refused, run
from tests.dump import nothing_changes

pytestmark = pytest.mark.django_db

HELD, ACTIVE, LOCKED, QUARANTINED, RELEASED = GrantState


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


@pytest.fixture
def grant(acme: Organization) -> Grant:
    return factories.grant("acme", acme)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("grant_namespace", ["NAMESPACE", "ORGANIZATION", "enforced after the activation delay", "somebody else"]),
        ("share_namespace", ["NAMESPACE", "ORGANIZATION", "--end", "publish in a namespace"]),
        ("transfer_namespace", ["NAMESPACE", "ORGANIZATION", "with its children and shares", "at once"]),
        ("release_namespace", ["NAMESPACE", "--reason", "quarantine", "Refused while it is shared"]),
        ("check_upload", ["PROJECT", "--user", "--organization", "TIME|new", "JSON", "exit status is 0", "the mirror"]),
    ],
)
def test_help_says_what_a_stranger_needs(command: str, words: list[str]) -> None:
    text = help_of("namespaces", command)
    assert not [word for word in words if word not in text], text


class TestGrant:
    def test_it_says_from_when_on(self, acme: Organization, settings: Settings) -> None:
        settings.FREEHOLD_ACTIVATION_DELAY = timedelta(minutes=5)
        output = run("grant_namespace", "Google_Cloud", "ACME")
        made = Grant.objects.get()
        assert made.effective_at is not None
        assert output == (
            f"google-cloud is held by acme and enforced from {made.effective_at:%Y-%m-%dT%H:%M:%SZ} on.\n"
        )
        assert AuditEvent.objects.get().actor == "operator"

    def test_a_former_holder_gets_it_back(self, acme: Organization) -> None:
        old = factories.grant("acme", acme, state=QUARANTINED)
        assert run("grant_namespace", "acme", "acme").startswith("acme is held by acme and enforced from ")
        old.refresh_from_db()
        assert old.state == ACTIVE

    @pytest.mark.parametrize(
        ("namespace", "organization", "message"),
        [
            ("acme-labs", "other", "The namespace 'acme-labs' overlaps with 'acme', which 'acme' holds."),
            ("acme", "acme", "'acme' holds the namespace 'acme' already; it is active."),
            ("new", "nobody", "There is no organization named 'nobody'."),
            ("a-b-c-d-e-f", "acme", "A namespace has at most 4 hyphens; 'a-b-c-d-e-f' has 5."),
        ],
    )
    def test_refused(self, grant: Grant, namespace: str, organization: str, message: str) -> None:
        factories.organization("other")
        assert refused("grant_namespace", namespace, organization) == message

    @pytest.mark.parametrize(("namespace", "organization"), [("a b", "acme"), ("acme", "a/b"), ("-x", "acme")])
    def test_what_is_no_name(self, acme: Organization, namespace: str, organization: str) -> None:
        message = refused("grant_namespace", "--", namespace, organization)
        assert "use ASCII letters, digits" in message

    def test_who_may_not_hold(self) -> None:
        factories.organization("late", standing=Standing.LAPSED)
        assert "only an active organization in good standing" in refused("grant_namespace", "late", "late")


class TestShare:
    def test_and_end(self, grant: Grant) -> None:
        guest = factories.organization("guest")
        assert run("share_namespace", "Acme", "Guest") == "acme is shared with guest.\n"
        assert Share.objects.get().organization == guest
        assert run("share_namespace", "acme", "guest", "--end") == "acme is no longer shared with guest.\n"
        assert not Share.objects.exists()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nothing", "guest"], "There is no namespace 'nothing'."),
            (["acme", "nobody"], "There is no organization named 'nobody'."),
            (["acme", "acme"], "'acme' owns 'acme' and need not share it with itself."),
            (["acme", "guest", "--end"], "'acme' is not shared with 'guest'."),
            (["acme", "frozen"], "'frozen' is not an active organization."),
        ],
    )
    def test_refused(self, grant: Grant, arguments: list[str], message: str) -> None:
        factories.organization("guest")
        factories.organization("frozen", state=State.SUSPENDED)
        assert refused("share_namespace", *arguments) == message

    def test_not_twice(self, grant: Grant) -> None:
        factories.share(grant, factories.organization("guest"))
        assert refused("share_namespace", "acme", "guest") == "'acme' is shared with 'guest' already."


class TestTransfer:
    def test_at_once(self, grant: Grant) -> None:
        child = factories.grant("acme-labs", grant.owner, root=grant)
        other = factories.organization("other")
        assert run("transfer_namespace", "ACME", "other") == "acme is held by other.\n"
        child.refresh_from_db()
        assert child.owner == other

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nothing", "other"], "There is no namespace 'nothing'."),
            (["acme", "nobody"], "There is no organization named 'nobody'."),
            (["acme", "acme"], "'acme' owns 'acme' already."),
            (["acme-labs", "other"], "'acme-labs' is a child; transfer its root, and it goes with it."),
            (["acme", "late"], "'late' is not an active organization in good standing."),
        ],
    )
    def test_refused(self, grant: Grant, arguments: list[str], message: str) -> None:
        factories.grant("acme-labs", grant.owner, root=grant)
        factories.organization("other")
        factories.organization("late", standing=Standing.GRACE)
        assert refused("transfer_namespace", *arguments) == message

    def test_a_locked_one(self, acme: Organization) -> None:
        factories.grant("acme", acme, state=LOCKED)
        factories.organization("other")
        assert refused("transfer_namespace", "acme", "other") == (
            "The namespace 'acme' is locked; only an active one can be transferred."
        )


class TestRelease:
    def test_a_root_goes_into_quarantine(self, grant: Grant, settings: Settings) -> None:
        until = timezone.now() + settings.FREEHOLD_QUARANTINE
        output = run("release_namespace", "Acme", "--reason", "Merged.")
        assert output == f"acme is in quarantine until {until:%Y-%m-%d}.\n"
        assert AuditEvent.objects.get().after == {"state": "quarantined", "reason": "Merged."}

    def test_a_child_and_what_was_never_enforced_end_at_once(self, grant: Grant) -> None:
        factories.grant("acme-labs", grant.owner, root=grant)
        factories.grant("later", grant.owner, state=HELD)
        assert run("release_namespace", "acme-labs") == "acme-labs is released.\n"
        assert run("release_namespace", "later") == "later is released.\n"

    def test_refused(self, grant: Grant) -> None:
        factories.share(grant, factories.organization("guest"))
        factories.grant("gone", grant.owner, state=RELEASED)
        message = "'acme' is shared with 'guest'; unshare or transfer it first."
        assert refused("release_namespace", "acme") == message
        assert refused("release_namespace", "gone") == "There is no namespace 'gone'."

    def test_again(self, grant: Grant) -> None:
        run("release_namespace", "acme")
        assert refused("release_namespace", "acme") == (
            "The namespace 'acme' is quarantined; what can be done now: reinstate, release."
        )


def check(*arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run("check_upload", *arguments))
    return answer


class TestCheckUpload:
    def test_the_answer_is_the_apis(self, grant: Grant) -> None:
        answer = check("Acme.New", "--user", "mallory", "--first-uploaded", "new")
        assert set(answer) >= {
            "allowed", "status", "reason", "project", "namespace", "organization", "message", "url", "namespaces",
            "revision",
        }  # fmt: skip
        assert (answer["allowed"], answer["status"], answer["reason"]) == (False, 409, "reserved")
        assert (answer["project"], answer["namespace"]) == ("acme-new", "acme")
        assert answer["namespaces"] == [{"name": "acme", "owned": False}]

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["acme-new", "--organization", "acme"], "holder"),
            (["acme-new", "--organization", "ACME"], "holder"),
            (["acme-new", "--user", "alice"], "holder"),
            (["acme-new", "--user", "alice", "--organization", "acme"], "holder"),
            (["acme-new", "--user", "mallory", "--organization", "acme"], "reserved"),
            (["elsewhere", "--user", "mallory"], "unreserved"),
        ],
    )
    def test_by_user_and_organization(self, grant: Grant, arguments: list[str], reason: str) -> None:
        factories.member(grant.owner, "alice")
        factories.user("mallory")
        assert check(*arguments)["reason"] == reason

    @pytest.mark.parametrize(
        ("first_uploaded", "reason"),
        [
            (["--first-uploaded", "new"], "reserved"),
            (["--first-uploaded", "2001-03-04T05:06:07Z"], "grandfathered"),
            (["--first-uploaded", "2001-03-04T05:06:07+02:00"], "grandfathered"),
            (["--first-uploaded", "2999-01-01T00:00:00Z"], "reserved"),
            ([], "grandfathered"),
        ],
    )
    def test_when_it_was_first_uploaded(self, grant: Grant, first_uploaded: list[str], reason: str) -> None:
        """Left out, the mirror is asked."""
        factories.project("acme-old", "user:mallory", datetime(2002, 1, 1, tzinfo=UTC))
        assert check("acme-old", "--user", "mallory", *first_uploaded)["reason"] == reason

    def test_left_out_and_not_in_the_mirror_it_is_new(self, grant: Grant) -> None:
        assert check("acme-new", "--user", "mallory")["reason"] == "reserved"

    def test_asking_changes_nothing(self, grant: Grant) -> None:
        with nothing_changes():
            check("acme-new", "--user", "mallory")
        assert not BlockedAttempt.objects.exists()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["acme-new"], "give --user, --organization or both"),
            (["a b", "--user", "mallory"], "'a b' is not a valid project name"),
            (["acme\n", "--user", "mallory"], r"'acme\n' is not a valid project name"),
            (
                ["acme", "--user", "mallory", "--first-uploaded", "yesterday"],
                "--first-uploaded must be 'new' or a time",
            ),
            (["acme", "--user", "mallory", "--first-uploaded", "2021-03-04"], "a time with its zone"),
            (["acme", "--user", "mallory", "--first-uploaded", ""], "--first-uploaded must be 'new' or a time"),
            (["acme", "--user", ""], "--user must be"),
            (["acme", "--organization", ""], "--organization must be"),
        ],
    )
    def test_what_is_not_understood(self, grant: Grant, arguments: list[str], words: str) -> None:
        assert words in refused("check_upload", *arguments)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestAsProcesses:
    def test_a_success(self) -> None:
        factories.organization("acme")
        done = process("grant_namespace", "acme", "acme")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("acme is held by acme and enforced from ")
        assert Grant.objects.get().name == "acme"

    def test_a_refusal(self) -> None:
        factories.grant("acme", factories.organization("acme"))
        factories.organization("other")
        with nothing_changes():
            done = process("grant_namespace", "acme-labs", "other")
        assert (done.returncode, done.stdout) == (1, "")
        message = "The namespace 'acme-labs' overlaps with 'acme', which 'acme' holds."
        assert done.stderr.splitlines() == [message]

    def test_a_refused_upload_is_an_answer(self) -> None:
        factories.grant("acme", factories.organization("acme"))
        done = process("check_upload", "acme-new", "--user", "mallory")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["reason"] == "reserved"
