"""API tokens of organizations: who makes them, what they open, and everything that ends or weakens them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import Mail
from freehold.errors import DomainError, Invalid, NotPermitted
from orgs import audit, tokens, usage
from orgs.actors import Actor, may
from orgs.models import AuditEvent, Membership, Organization, OrganizationToken
from orgs.selectors_tokens import (
    NoSuchOrganizationToken,
    leaked_tokens,
    token_of,
    tokens_in_use,
    usable_organization_token,
)
from orgs.services.memberships import change_role, remove_member
from orgs.services.organization_tokens import (
    LIFETIME,
    LONGEST_LIFETIME,
    MOST,
    create_organization_token,
    revoke_organization_token,
    warn_of_expiring_tokens,
)
from orgs.tasks import warn_of_tokens
from orgs.vocabulary import Permission, Role, State
from tests import factories
from tests.concurrency import all_at_once
from tests.dump import nothing_changes
from tests.people import EVERYBODY, acting_as, in_role, owner_of
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ALL = list(Permission)
SOME = [Permission.VIEW, Permission.MANAGE_TEAMS]


@pytest.fixture
def acme() -> Organization:
    organization = factories.organization("acme")
    factories.member(organization, "olga")
    return organization


def create(actor: Actor, organization: Organization, **options: Any) -> tuple[OrganizationToken, str]:
    given: dict[str, Any] = {"name": "ci", "permissions": SOME, "expires_at": timezone.now() + LIFETIME} | options
    return create_organization_token(actor=actor, organization=organization, **given)


def by_token(secret: str) -> Actor:
    token = usable_organization_token(tokens.digest(secret))
    assert token is not None
    return Actor.automation(token)


class TestMaking:
    def test_it_has_the_form_of_an_organizations_token(self, acme: Organization) -> None:
        token, secret = create(owner_of(acme), acme)
        assert tokens.is_well_formed(secret) and tokens.kind_of(secret) == tokens.ORGANIZATION == "o"
        assert secret.startswith("fh_o") and secret.endswith(token.hint)

    def test_only_its_hash_is_kept(self, acme: Organization) -> None:
        _, secret = create(owner_of(acme), acme)
        stored = OrganizationToken.objects.values().get()
        assert bytes(stored["digest"]) == tokens.digest(secret)
        assert secret not in repr(stored)
        assert not [row for row in AuditEvent.objects.values() if secret in repr(row)]

    def test_the_trail_has_what_it_may(self, acme: Organization) -> None:
        actor = owner_of(acme)
        token, _ = create(actor, acme)
        event = AuditEvent.objects.get(action="token.created")
        assert (event.actor, event.target, event.organization) == (actor.label, "API token ci", "acme")
        assert token.expires_at is not None
        expected = {"permissions": ["view", "manage_teams"], "expires_at": token.expires_at.isoformat()}
        assert event.after == expected

    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_make_them_and_nobody_else(self, acme: Organization, who: str) -> None:
        """The operator has no membership with which a token could go."""
        actor = acting_as(who, acme)
        if who == Role.OWNER:
            create(actor, acme)
            return
        with nothing_changes(), pytest.raises(NotPermitted):
            create(actor, acme)

    @pytest.mark.parametrize("name", ["", " ", " x", "x\n", "x" * 101, "a\x00b"])
    def test_a_name_is_printable(self, acme: Organization, name: str) -> None:
        actor = owner_of(acme)
        with nothing_changes(), pytest.raises(Invalid, match="1 to 100 printable"):
            create(actor, acme, name=name)

    def test_the_longest_name_of_the_longest_address_fits_into_the_trail(self, acme: Organization) -> None:
        user = factories.user()
        type(user).objects.filter(pk=user.pk).update(email=f"{'a' * 240}@x.example")
        user.refresh_from_db()
        Membership.objects.create(organization=acme, user=user, role=Role.OWNER)
        token, _ = create(Actor.person(user), acme, name="n" * 100, permissions=ALL)
        revoke_organization_token(actor=Actor.automation(token), token=token)
        assert AuditEvent.objects.get(action="token.revoked").actor.startswith("token nnn")

    def test_something_it_must_be_able_to_do(self, acme: Organization) -> None:
        actor = owner_of(acme)
        with nothing_changes(), pytest.raises(Invalid, match="at least one"):
            create(actor, acme, permissions=[])

    @pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=-1), LONGEST_LIFETIME + timedelta(minutes=1)])
    def test_it_ends_within_a_year(self, acme: Organization, ahead: timedelta) -> None:
        actor = owner_of(acme)
        with nothing_changes(), pytest.raises(Invalid, match="within 366 days"):
            create(actor, acme, expires_at=timezone.now() + ahead)

    def test_or_never_when_that_is_said(self, acme: Organization) -> None:
        assert create(owner_of(acme), acme, expires_at=None)[0].expires_at is None

    @pytest.mark.parametrize("state", [State.SUSPENDED, State.CLOSED])
    def test_for_no_organization_that_is_out_of_use(self, acme: Organization, state: State) -> None:
        actor = owner_of(acme)
        Organization.objects.filter(pk=acme.pk).update(state=state)
        with nothing_changes(), pytest.raises(NotPermitted, match=state.value):
            create(actor, acme)

    def test_a_hundred_and_no_more(self, acme: Organization) -> None:
        actor = owner_of(acme)
        for _ in range(MOST):
            create(actor, acme)
        with nothing_changes(), pytest.raises(DomainError) as refusal:
            create(actor, acme)
        assert refusal.value.code == "too-many-tokens"
        revoke_organization_token(actor=actor, token=OrganizationToken.objects.latest("pk"))
        create(actor, acme)


@pytest.mark.django_db(transaction=True)
def test_trap_13_a_limit_is_one_under_concurrent_makers() -> None:
    """No check before the insert that two pass at once: the organization is locked."""
    acme = factories.organization("acme")
    actor = owner_of(acme)
    for _ in range(MOST - 1):
        create(actor, acme)
    outcomes = all_at_once(*[lambda: create(actor, acme)] * 4)
    assert sorted(outcomes) == ["done", *["too-many-tokens"] * 3]
    assert OrganizationToken.objects.usable().count() == MOST


class TestWhatATokenMayMake:
    def test_at_most_what_it_may_itself(self, acme: Organization) -> None:
        _, secret = create(owner_of(acme), acme, permissions=[Permission.VIEW, Permission.MANAGE_NAMESPACES])
        actor = by_token(secret)
        made, _ = create(actor, acme, permissions=[Permission.VIEW])
        assert made.membership == made.made_with.membership  # type: ignore[union-attr]  # it has one
        for more in set(Permission) - {Permission.VIEW, Permission.MANAGE_NAMESPACES}:
            with nothing_changes(), pytest.raises(NotPermitted, match="at most what its maker may"):
                create(actor, acme, permissions=[Permission.VIEW, more])

    def test_none_without_the_permission_for_it(self, acme: Organization) -> None:
        _, secret = create(owner_of(acme), acme, permissions=[Permission.VIEW])
        actor = by_token(secret)
        with nothing_changes(), pytest.raises(NotPermitted):
            create(actor, acme, permissions=[Permission.VIEW])


class TestRevoking:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_and_the_operator(self, acme: Organization, who: str) -> None:
        token, secret = create(owner_of(acme), acme)
        actor = acting_as(who, acme)
        if who in {Role.OWNER, "operator"}:
            revoke_organization_token(actor=actor, token=token)
            assert usable_organization_token(tokens.digest(secret)) is None
            return
        with nothing_changes(), pytest.raises(NotPermitted):
            revoke_organization_token(actor=actor, token=token)

    def test_the_same_again_writes_nothing(self, acme: Organization) -> None:
        actor = owner_of(acme)
        token, _ = create(actor, acme)
        revoke_organization_token(actor=actor, token=token)
        with nothing_changes():
            revoke_organization_token(actor=actor, token=token)

    def test_what_it_made_goes_on(self, acme: Organization) -> None:
        """A token that is renewed makes its successor and then ends itself."""
        token, secret = create(owner_of(acme), acme, permissions=ALL)
        actor = by_token(secret)
        _, successor = create(actor, acme, permissions=ALL)
        revoke_organization_token(actor=actor, token=token)
        assert usable_organization_token(tokens.digest(successor))

    def test_trap_12_a_token_of_another_organization_is_not_found(self, acme: Organization) -> None:
        """By its bare id alone nobody can name it."""
        other = factories.organization()
        token, _ = create(owner_of(other), other)
        with pytest.raises(NoSuchOrganizationToken):
            token_of(acme, token.pk)
        actor = owner_of(acme)
        with nothing_changes(), pytest.raises(NotPermitted):
            revoke_organization_token(actor=actor, token=token)


class TestWhatEndsOne:
    def test_trap_10_it_goes_with_the_membership_of_its_maker(self, acme: Organization) -> None:
        maker = in_role(Role.OWNER, acme)
        _, secret = create(maker, acme)
        membership = Membership.objects.get(user=maker.user)
        remove_member(actor=owner_of(acme), membership=membership)
        assert usable_organization_token(tokens.digest(secret)) is None
        assert not OrganizationToken.objects.exists()

    def test_it_weakens_with_the_role_of_its_maker(self, acme: Organization) -> None:
        maker = in_role(Role.OWNER, acme)
        _, secret = create(maker, acme, permissions=ALL)
        actor = by_token(secret)
        assert all(may(actor, permission, acme) for permission in Permission)
        membership = Membership.objects.get(user=maker.user)
        change_role(actor=owner_of(acme), membership=membership, role=Role.MEMBER)
        assert [permission for permission in Permission if may(actor, permission, acme)] == [Permission.VIEW]
        row = tokens_in_use(acme)[0]
        assert set(row.weakened) == set(Permission) - {Permission.VIEW}

    def test_an_inactive_maker_has_none(self, acme: Organization) -> None:
        maker = in_role(Role.OWNER, acme)
        _, secret = create(maker, acme)
        assert maker.user is not None
        maker.user.is_active = False
        maker.user.save()
        assert usable_organization_token(tokens.digest(secret)) is None

    def test_its_time(self, acme: Organization) -> None:
        token, secret = create(owner_of(acme), acme)
        OrganizationToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        assert usable_organization_token(tokens.digest(secret)) is None
        assert tokens_in_use(acme)[0].has_expired

    def test_a_maker_without_the_second_factor_that_is_required_may_only_look(self, acme: Organization) -> None:
        _, secret = create(owner_of(acme), acme, permissions=ALL)
        Organization.objects.filter(pk=acme.pk).update(requires_second_factor=True)
        actor = by_token(secret)
        assert [permission for permission in Permission if may(actor, permission, acme)] == [Permission.VIEW]


class TestUse:
    def test_it_is_noted_beside_that_of_service_tokens(self, acme: Organization) -> None:
        token, _ = create(owner_of(acme), acme)
        factories.token()
        usage.token_used(token.pk, None)  # a service token that may have the same number
        usage.organization_token_used(token)
        usage.organization_token_used(token)
        assert usage.backlog.flush() == 2
        token.refresh_from_db()
        assert token.last_used_at is not None

    def test_by_a_call(self, acme: Organization) -> None:
        token, secret = create(owner_of(acme), acme)
        answer = Client().get("/api/v1/organizations/acme", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 200
        usage.backlog.flush()
        token.refresh_from_db()
        assert token.last_used_at is not None


class TestWarning:
    def test_owners_get_one_mail_each_a_week_before(self, acme: Organization) -> None:
        in_role(Role.OWNER, acme)
        in_role(Role.MEMBER, acme)
        token, _ = create(Actor.person(acme.memberships.all()[0].user), acme)
        assert warn_of_tokens() == 0
        OrganizationToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() + timedelta(days=6))
        for _ in range(3):
            assert warn_of_expiring_tokens() == 1
        mails = Mail.objects.filter(subject__contains="expires soon")
        owners = acme.memberships.filter(role=Role.OWNER).values_list("user__email", flat=True)
        assert sorted(mails.values_list("to", flat=True)) == sorted(owners)
        assert "“ci” of acme" in mails[0].subject
        assert "/manage/acme/tokens/" in mails[0].text

    @pytest.mark.parametrize("change", [{"revoked_at": timezone.now()}, {"expires_at": None}])
    def test_of_none_that_does_not_expire(self, acme: Organization, change: dict[str, Any]) -> None:
        token, _ = create(owner_of(acme), acme, expires_at=timezone.now() + timedelta(days=2))
        OrganizationToken.objects.filter(pk=token.pk).update(**change)
        with nothing_changes():
            assert warn_of_expiring_tokens() == 0


class TestPages:
    @pytest.fixture
    def owner(self, acme: Organization) -> Client:
        return signed_in(acme.memberships.get().user)

    def test_it_is_shown_once(self, acme: Organization, owner: Client) -> None:
        form = {"name": "ci", "permissions": ["view"], "lifetime": "30"}
        answer = owner.post("/manage/acme/tokens/new/", form)
        token = OrganizationToken.objects.get()
        found = tokens.PATTERN.search(answer.content.decode())
        assert found and tokens.digest(found.group()) == bytes(token.digest)
        assert answer["Cache-Control"] == "private, no-store"
        assert token.expires_at is not None and abs((token.expires_at - timezone.now()).days - 30) <= 1
        assert not tokens.PATTERN.search(owner.get("/manage/acme/tokens/").content.decode())

    def test_without_an_end_only_when_that_is_chosen(self, acme: Organization, owner: Client) -> None:
        with nothing_changes():
            answer = owner.post("/manage/acme/tokens/new/", {"name": "ci", "permissions": ["view"]})
            assert answer.status_code == 200
        owner.post("/manage/acme/tokens/new/", {"name": "ci", "permissions": ["view"], "lifetime": "never"})
        assert OrganizationToken.objects.get().expires_at is None

    @pytest.mark.parametrize(
        "form",
        [
            {},
            {"name": "x", "permissions": ["view"], "lifetime": "999999999999"},
            {"name": "x", "permissions": ["fly"], "lifetime": "30"},
            {"name": "a\x00b", "permissions": ["view"], "lifetime": "30"},
            {"name": "x" * 5000, "permissions": ["view"], "lifetime": "30"},
        ],
    )
    def test_what_can_not_be(self, owner: Client, form: dict[str, Any]) -> None:
        with nothing_changes():
            assert owner.post("/manage/acme/tokens/new/", form).status_code == 200

    def test_making_one_takes_somebody_who_just_signed_in(self, acme: Organization) -> None:
        owner = signed_in(acme.memberships.get().user, fresh=False)
        for answer in (owner.get("/manage/acme/tokens/new/"), owner.post("/manage/acme/tokens/new/", {})):
            assert answer.status_code == 302 and "reauthenticate" in answer["Location"]

    def test_revoking(self, acme: Organization, owner: Client) -> None:
        token, _ = create(owner_of(acme), acme)
        with nothing_changes():
            assert owner.get(f"/manage/acme/tokens/{token.pk}/revoke/").status_code == 200
        assert owner.post(f"/manage/acme/tokens/{token.pk}/revoke/").status_code == 302
        assert OrganizationToken.objects.get().revoked_at is not None
        assert leaked_tokens(acme) == []

    def test_trap_12_not_that_of_another_organization(self, acme: Organization, owner: Client) -> None:
        other = factories.organization()
        token, _ = create(owner_of(other), other)
        for call in (owner.get, owner.post):
            with nothing_changes():
                assert call(f"/manage/acme/tokens/{token.pk}/revoke/").status_code == 404

    @pytest.mark.parametrize("role", [Role.MANAGER, Role.BILLING, Role.MEMBER])
    def test_trap_11_only_for_owners(self, acme: Organization, role: Role) -> None:
        token, _ = create(owner_of(acme), acme)
        client = signed_in(in_role(role, acme).user)
        for path in ("", "new/", f"{token.pk}/revoke/"):
            for call in (client.get, client.post):
                with nothing_changes():
                    assert call(f"/manage/acme/tokens/{path}").status_code == 403


class TestTrap14:
    """An audit event of unexpected shape is stored, or its change is not made: it is never dropped."""

    @pytest.mark.parametrize(
        "value",
        [
            Decimal("1.5"),
            gettext_lazy("Owner"),
            date(2026, 3, 4),
            datetime(2026, 3, 4, 5, 6, 7),  # noqa: DTZ001 -- without a zone, as it should not be
            timedelta(days=1),
            b"bytes",
            {1, 2},
            float("nan"),
            float("inf"),
            "\x00",
            "\ud800",
            object(),
            Role.OWNER,
            {"deep": [{"deeper": Decimal(1)}]},
        ],
    )
    def test_it_is_stored_or_nothing_is_done(self, acme: Organization, value: Any) -> None:
        before = AuditEvent.objects.count()

        @transaction.atomic
        def change() -> None:
            Organization.objects.filter(pk=acme.pk).update(display_name="changed")
            audit.record(Actor.operator(), "test.done", "thing", after={"value": value})

        was_done = _succeeds(change)
        acme.refresh_from_db()
        assert (acme.display_name == "changed") is was_done
        assert AuditEvent.objects.count() == before + was_done

    @pytest.mark.parametrize("field", ["action", "target", "actor"])
    def test_what_is_too_long_is_not_cut(self, acme: Organization, field: str) -> None:
        long = "x" * 301
        given = {"action": "test.done", "target": "thing"} | ({field: long} if field != "actor" else {})
        actor = Actor(label=long) if field == "actor" else Actor.operator()
        before = AuditEvent.objects.count()
        assert not _succeeds(transaction.atomic(lambda: audit.record(actor, given["action"], given["target"])))
        assert AuditEvent.objects.count() == before


def _succeeds(act: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            act()
    except Exception:  # whatever it is: nothing is swallowed
        return False
    return True
