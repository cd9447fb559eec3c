"""The commands on organizations, people, tokens and the trail, as the operator meets them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.db import connection
from django.utils import timezone

from orgs import tokens
from orgs.models import AuditEvent, Membership, Organization, ServiceToken
from orgs.selectors import usable_token
from orgs.vocabulary import Kind, Role, Scope
from tests import factories
from tests.commands import help_of, process, refused, run
from tests.dump import nothing_changes

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("create_organization", ["NAME", "--kind", "{company,community}", "active and in good standing"]),
        ("add_member", ["ORGANIZATION", "EMAIL", "--role", "owner,manager,billing,member", "Owners and managers"]),
        ("create_service_token", ["NAME", "--scope", "check,projects,feed", "--days", "shown this once", "standard output"]),
        ("verify_audit", ["audit trail", "hashes"]),
    ],
)  # fmt: skip
def test_help_says_what_a_stranger_needs(command: str, words: list[str]) -> None:
    text = help_of("orgs", command)
    assert not [word for word in words if word not in text], text


class TestCreateOrganization:
    @pytest.mark.parametrize("kind", Kind)
    def test_it_may_hold_namespaces_at_once(self, kind: Kind) -> None:
        assert run("create_organization", "Acme.Corp", "--kind", kind) == "acme-corp is set up.\n"
        made = Organization.objects.get()
        assert (made.name, made.display_name, made.kind, made.may_hold) == ("acme-corp", "Acme.Corp", kind, True)
        assert AuditEvent.objects.get().actor == "operator"

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("ACME", "There is an organization named 'acme' already."),
            ("a" * 101, "An organization's name has at most 100 characters, not 101."),
        ],
    )
    def test_refused(self, name: str, message: str) -> None:
        factories.organization("acme")
        assert refused("create_organization", name, "--kind", "company") == message

    def test_what_is_no_name(self) -> None:
        assert "use ASCII letters" in refused("create_organization", "a b", "--kind", "company")

    @pytest.mark.parametrize("arguments", [["acme"], ["acme", "--kind", "charity"], ["--kind", "company"]])
    def test_what_is_missing_or_unknown(self, arguments: list[str]) -> None:
        with nothing_changes(), pytest.raises(CommandError, match=r"required|invalid choice"):
            run("create_organization", *arguments)


class TestAddMember:
    @pytest.mark.parametrize("role", Role)
    def test_in_each_role(self, role: Role) -> None:
        factories.organization("acme")
        factories.user("sam")
        assert (
            run("add_member", "Acme", "SAM@example.com", "--role", role) == f"sam@example.com is in acme as {role}.\n"
        )
        assert Membership.objects.get().role == role

    def test_refused(self) -> None:
        acme = factories.organization("acme")
        factories.member(acme, "sam")
        assert refused("add_member", "nobody", "sam@example.com", "--role", "owner") == (
            "There is no organization named 'nobody'."
        )
        assert refused("add_member", "acme", "tom@example.com", "--role", "owner") == (
            "There is no user with the e-mail address 'tom@example.com'; they have to sign up first."
        )
        assert refused("add_member", "acme", "sam@example.com", "--role", "owner") == (
            "'sam@example.com' is in 'acme' already."
        )

    def test_no_other_role(self) -> None:
        with nothing_changes(), pytest.raises(CommandError, match="invalid choice: 'admin'"):
            run("add_member", "acme", "sam@example.com", "--role", "admin")


class TestCreateServiceToken:
    @pytest.mark.parametrize(
        ("arguments", "scopes"),
        [
            (["--scope", "check"], {Scope.CHECK}),
            (["--scope", "check", "feed"], {Scope.CHECK, Scope.FEED}),
            (["--scope", "check", "--scope", "projects", "--scope", "feed", "usage", "identities"], set(Scope)),
            (["--scope", "check", "check"], {Scope.CHECK}),
        ],
    )
    def test_it_prints_the_token_and_nothing_else(self, arguments: list[str], scopes: set[Scope]) -> None:
        output = run("create_service_token", "index", *arguments)
        token = output.removesuffix("\n")
        assert tokens.is_well_formed(token)
        found = usable_token(tokens.digest(token))
        assert found is not None
        assert (found.name, set(found.scopes), found.expires_at) == ("index", scopes, None)

    def test_it_expires_when_it_is_told_to(self) -> None:
        run("create_service_token", "index", "--scope", "check", "--days", "30")
        expires_at = ServiceToken.objects.get().expires_at
        assert expires_at is not None
        assert abs(expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)

    @pytest.mark.parametrize("days", ["0", "-1", "36501", "999999999", "99999999999"])
    def test_refused_are_days_that_make_no_sense(self, days: str) -> None:
        message = refused("create_service_token", "index", "--scope", "check", f"--days={days}")
        assert message == "--days must be between 1 and 36500."

    @pytest.mark.parametrize("name", ["", "a" * 101, "a\nb"], ids=ascii)
    def test_refused_is_what_is_no_name(self, name: str) -> None:
        message = refused("create_service_token", name, "--scope", "check")
        assert message == "A token has a name of 1 to 100 printable characters."

    @pytest.mark.parametrize(
        "arguments", [[], ["--scope"], ["--scope", "admin"], ["--scope", "check", "--days", "many"]]
    )
    def test_what_is_missing_or_unknown(self, arguments: list[str]) -> None:
        with nothing_changes(), pytest.raises(CommandError, match=r"required|expected|invalid"):
            run("create_service_token", "index", *arguments)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestAsProcesses:
    def test_a_token_alone_on_standard_output(self) -> None:
        done = process("create_service_token", "index", "--scope", "check")
        assert (done.returncode, done.stderr) == (0, "")
        assert tokens.is_well_formed(done.stdout.removesuffix("\n"))

    def test_a_refusal(self) -> None:
        factories.organization("acme")
        with nothing_changes():
            done = process("create_organization", "Acme", "--kind", "company")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines() == ["There is an organization named 'acme' already."]

    def test_an_altered_trail(self) -> None:
        run("create_organization", "acme", "--kind", "company")
        assert process("verify_audit").stdout == "1 events, the chain is whole.\n"
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE orgs_auditevent DISABLE TRIGGER USER")
            cursor.execute("UPDATE orgs_auditevent SET actor = 'nobody'")
            cursor.execute("ALTER TABLE orgs_auditevent ENABLE TRIGGER USER")
        done = process("verify_audit")
        assert (done.returncode, done.stdout) == (1, "")
        assert "event 1 is missing or not as it was written." in done.stderr
