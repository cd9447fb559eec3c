"""The API of organizations: every operation of the URLconf × everybody who could call it, and what each one does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from freehold.access import Route, routes
from namespaces.models import Grant, Share, TeamGrant, Transfer
from namespaces.states import GrantState
from orgs import tokens
from orgs.actors import Actor
from orgs.api.base import OrganizationView
from orgs.models import Invitation, Organization, OrganizationToken, Proof, Team, TeamMember
from orgs.vocabulary import ROLE_PERMISSIONS, Permission, ProofKind, Role, State
from tests import factories
from tests.dump import nothing_changes

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

V, P, T, N, A = (
    Permission.VIEW,
    Permission.MANAGE_PEOPLE,
    Permission.MANAGE_TEAMS,
    Permission.MANAGE_NAMESPACES,
    Permission.VIEW_AUDIT,
)
BAD_BODIES = [[], "x", 7, {"name": "a\x00b"}, {"name": ["x"]}, {"role": 7}, {"invitations": 1}, {"kind": {}}]
LONG_AGO = timezone.now() - timedelta(hours=1)


class Place:
    """An organization with one thing of each kind; ``ids`` are the parts of addresses that name them."""

    def __init__(self, name: str) -> None:
        self.organization = org = factories.organization(name)
        self.owner = factories.member(org, f"{name}-maker")
        self.people = {role: factories.member(org, f"{name}-{role}", role) for role in Role}
        member, guest = self.people[Role.MEMBER], factories.organization(f"{name}-guest")
        self.guest = guest
        self.root = factories.grant(name, org)
        self.child = factories.grant(f"{name}-child", org, root=self.root)
        self.team = factories.team(org, name="Team", grants=[self.root])
        TeamMember.objects.create(team=self.team, membership=member)
        factories.share(self.child, guest)
        self.ids: dict[str, Any] = {
            "member": member.pk,
            "team": self.team.pk,
            "invitation": self.invitation().pk,
            "publisher": factories.trusted(org, repository=name).pk,
            "proof": self.proof().pk,
            "token": self.token().pk,
            "transfer": self.incoming().pk,
            "namespace": self.root.name,
            "guest": guest.name,
        }

    def invitation(self) -> Invitation:
        return Invitation.objects.create(
            organization=self.organization,
            email="new@example.com",
            role=Role.MEMBER,
            digest=tokens.digest(self.organization.name),
            sent_at=LONG_AGO,
            expires_at=timezone.now() + timedelta(days=1),
        )

    def proof(self) -> Proof:
        name = self.organization.name
        return Proof.objects.create(
            organization=self.organization, kind=ProofKind.PROJECTS, subject=name, challenge="x"
        )

    def token(self) -> OrganizationToken:
        factories.organization_token(self.owner)
        return OrganizationToken.objects.latest("pk")

    def incoming(self) -> Transfer:
        """An offer to this organization, by another one."""
        offered = factories.grant(f"for{self.organization.name}", factories.organization())
        return Transfer.objects.create(
            grant=offered, to=self.organization, expires_at=timezone.now() + timedelta(days=1)
        )


@dataclass(frozen=True)
class Row:
    """An operation: what it takes, what it answers, a body that is good, and parts of the address that are its own."""

    permission: Permission
    status: int
    body: Any = None
    parts: Callable[[Place], dict[str, Any]] = lambda _: {}


# Spelt out, so that a change of what an operation takes has to be meant.
ROWS: dict[tuple[str, str], Row] = {
    ("api-organization", "GET"): Row(V, 200),
    ("api-organization", "PATCH"): Row(P, 200, {"website": "https://acme.example"}),
    ("api-members", "GET"): Row(V, 200),
    ("api-member", "GET"): Row(V, 200),
    ("api-member", "PATCH"): Row(P, 200, {"role": "manager"}),
    ("api-member", "DELETE"): Row(P, 204),
    ("api-invitations", "GET"): Row(P, 200),
    ("api-invitations", "POST"): Row(P, 201, {"invitations": [{"email": "ann@example.com", "role": "member"}]}),
    ("api-invitation", "DELETE"): Row(P, 204),
    ("api-invitation-resend", "POST"): Row(P, 200),
    ("api-teams", "GET"): Row(V, 200),
    ("api-teams", "POST"): Row(T, 201, {"name": "Another"}),
    ("api-team", "GET"): Row(V, 200),
    ("api-team", "PATCH"): Row(T, 200, {"description": "x"}),
    ("api-team", "DELETE"): Row(T, 204),
    ("api-team-members", "GET"): Row(V, 200),
    ("api-team-member", "PUT"): Row(T, 204, parts=lambda at: {"member": at.owner.pk}),
    ("api-team-member", "DELETE"): Row(T, 204),
    ("api-publishers", "GET"): Row(V, 200),
    ("api-publishers", "POST"): Row(T, 201, {"issuer": "https://ci.acme.example", "claims": {"sub": "acme"}}),
    ("api-publisher", "DELETE"): Row(T, 204),
    ("api-proofs", "GET"): Row(V, 200),
    ("api-proofs", "POST"): Row(P, 201, {"kind": "dns", "subject": "acme.example"}),
    ("api-proof", "GET"): Row(V, 200),
    ("api-proof", "DELETE"): Row(P, 204),
    ("api-proof-check", "POST"): Row(P, 200),
    ("api-tokens", "GET"): Row(N, 200),
    # With one permission alone a token makes at most such a one: the row is tried with that.
    ("api-tokens", "POST"): Row(N, 201, {"name": "ci", "permissions": ["manage_namespaces"]}),
    ("api-token", "DELETE"): Row(N, 204),
    ("api-audit", "GET"): Row(A, 200),
    ("api-namespaces", "GET"): Row(V, 200),
    ("api-namespace", "GET"): Row(V, 200),
    ("api-namespace", "DELETE"): Row(N, 204, parts=lambda _: {"namespace": "spare"}),
    ("api-namespace-children", "POST"): Row(T, 201, {"name": "acme-new"}),
    ("api-namespace-take-back", "POST"): Row(N, 200, parts=lambda _: {"namespace": "given-up"}),
    ("api-namespace-teams", "GET"): Row(V, 200),
    ("api-namespace-team", "PUT"): Row(T, 204, parts=lambda at: {"namespace": at.child.name}),
    ("api-namespace-team", "DELETE"): Row(T, 204),
    ("api-shares", "GET"): Row(V, 200),
    ("api-share", "PUT"): Row(N, 200, {}),
    ("api-share", "DELETE"): Row(N, 204, parts=lambda at: {"namespace": at.child.name}),
    ("api-transfers", "GET"): Row(V, 200),
    ("api-transfers", "POST"): Row(N, 201, {"namespace": "spare", "to": "acme-guest"}),
    ("api-transfer", "DELETE"): Row(N, 204),
    ("api-transfer-accept", "POST"): Row(N, 200),
}


def operations() -> Iterator[tuple[Route, str, type[OrganizationView]]]:
    for route in routes(get_resolver().url_patterns):
        view = getattr(route.view, "cls", None)
        if isinstance(view, type) and issubclass(view, OrganizationView):
            for method in view.permissions:
                yield route, method, view


def test_every_operation_has_its_row_and_takes_what_stands_there() -> None:
    """A new one without a row fails here; so does an address below the organization that is served by another view."""
    found = {(str(route.name), method): view.permissions[method] for route, method, view in operations()}
    assert found == {key: row.permission for key, row in ROWS.items()}
    below = {route.name for route in routes(get_resolver().url_patterns) if "api/v1/organizations/" in route.pattern}
    assert below == {name for name, _ in ROWS}


def test_a_view_without_a_permission_for_each_method_does_not_start() -> None:
    with pytest.raises(TypeError, match=r"serves \['GET', 'POST'\] and has permissions for \['GET'\]"):

        class _Silent(OrganizationView):
            permissions = {"GET": Permission.VIEW}

            def get(self) -> None: ...

            def post(self) -> None: ...


class World:
    def __init__(self) -> None:
        self.acme, self.other = Place("acme"), Place("other")
        factories.grant("spare", self.acme.organization)
        factories.grant("given-up", self.acme.organization, state=GrantState.QUARANTINED)
        self.http = Client(raise_request_exception=False)

    def address(self, operation: str, row: Row, **parts: Any) -> str:
        known = self.acme.ids | {"name": "acme"} | row.parts(self.acme) | parts
        pattern = next(route for route, _, _ in operations() if route.name == operation).pattern
        return reverse(operation, kwargs={key: value for key, value in known.items() if f":{key}>" in pattern})

    def call(self, method: str, address: str, body: Any, token: str | None) -> Any:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        data = b"" if body is None else json.dumps(body).encode()
        return self.http.generic(method, address, data, content_type="application/json", headers=headers)


@pytest.fixture
def world() -> World:
    return World()


def refused(  # noqa: PLR0917 -- as one says it: who, what, where, with what, by whom, and the answer
    world: World, method: str, address: str, body: Any, token: str | None, status: int
) -> dict[str, Any]:
    answer = world.call(method, address, body, token)
    assert answer.status_code == status, (method, address, answer.content)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    assert (status == 401) is ("WWW-Authenticate" in answer)
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status and problem["detail"]
    return problem


def done(world: World, method: str, address: str, row: Row, token: str) -> Any:
    """It works; and is undone, for the next to try it."""
    with transaction.atomic():
        answer = world.call(method, address, row.body, token)
        assert answer.status_code == row.status, (method, address, answer.content)
        assert answer["Cache-Control"] == "no-store"
        transaction.set_rollback(True)
    return answer


class Trial:
    """One operation, in a world of its own."""

    def __init__(self, name: str, method: str) -> None:
        self.world, self.name, self.method = World(), name, method
        self.row = ROWS[name, method]
        self.address = self.world.address(name, self.row)
        self.owner = self.world.acme.owner
        self.token = factories.organization_token(self.owner)

    def is_refused(self, secret: str | None, status: int, **parts: Any) -> str:
        """Asked with a good body, perhaps at another address; the reason."""
        address = self.world.address(self.name, self.row, **parts)
        return str(refused(self.world, self.method, address, self.row.body, secret, status)["detail"])

    def is_done(self, token: str) -> None:
        done(self.world, self.method, self.address, self.row, token)

    def elsewhere(self, places: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
        """Of these parts of addresses those that this operation's has, but for what it names anyway."""
        parts = [{part: value} for part, value in places]
        return [part for part in parts if self.world.address(self.name, self.row, **part) != self.address]


@pytest.fixture(params=ROWS, ids=" ".join)
def trial(request: pytest.FixtureRequest, db: None) -> Trial:
    return Trial(*request.param)


class TestMatrix:
    """Whatever is refused here changes nothing."""

    def test_outsiders(self, trial: Trial) -> None:
        inactive = factories.member(trial.world.acme.organization, "gone")
        callers: list[tuple[str | None, int]] = [
            (None, 401),
            ("nonsense", 401),
            (tokens.generate(tokens.ORGANIZATION), 401),
            (tokens.generate(tokens.SERVICE), 401),
            (factories.organization_token(trial.owner, revoked_at=timezone.now()), 401),
            (factories.organization_token(trial.owner, expires_at=LONG_AGO), 401),
            (factories.organization_token(inactive), 401),
            (factories.token(), 403),
            (factories.organization_token(trial.world.other.owner), 404),
        ]
        type(inactive.user).objects.filter(pk=inactive.user_id).update(is_active=False)
        with nothing_changes():
            for token, status in callers:
                trial.is_refused(token, status)

    def test_roles(self, trial: Trial) -> None:
        callers = {
            role: factories.organization_token(membership) for role, membership in trial.world.acme.people.items()
        }
        with nothing_changes():
            for role, token in callers.items():
                if trial.row.permission in ROLE_PERMISSIONS[role]:
                    trial.is_done(token)
                else:
                    assert str(trial.row.permission.label) in trial.is_refused(token, 403)

    def test_single_permissions(self, trial: Trial) -> None:
        callers = {permission: factories.organization_token(trial.owner, permission) for permission in Permission}
        with nothing_changes():
            for permission, token in callers.items():
                if permission is trial.row.permission:
                    trial.is_done(token)
                else:
                    assert "The token was not made for this" in trial.is_refused(token, 403)

    def test_trap_12_ids_of_another_organization_in_every_position(self, trial: Trial) -> None:
        ids = {part: value for part, value in trial.world.other.ids.items() if part != "guest"}  # any may be a guest
        with nothing_changes():
            for part in trial.elsewhere([*ids.items(), ("name", "other")]):
                trial.is_refused(trial.token, 404, **part)

    def test_ids_that_are_none(self, trial: Trial) -> None:
        ids = trial.world.acme.ids | {"name": "acme"}
        numbers = [(part, value) for part in ids if isinstance(ids[part], int) for value in (0, 10**30)]
        names = [(part, value) for part in ids if isinstance(ids[part], str) for value in ("a\x00b", "nobody")]
        with nothing_changes():
            for part in trial.elsewhere(numbers + names):
                trial.is_refused(trial.token, 404, **part)

    def test_an_organization_out_of_use(self, trial: Trial) -> None:
        for state in (State.SUSPENDED, State.CLOSED):
            Organization.objects.filter(pk=trial.owner.organization_id).update(state=state)
            with nothing_changes():
                assert state.value in trial.is_refused(trial.token, 403)

    def test_without_the_second_factor_that_is_required(self, trial: Trial) -> None:
        Organization.objects.filter(pk=trial.owner.organization_id).update(requires_second_factor=True)
        with nothing_changes():
            if trial.row.permission is V:
                trial.is_done(trial.token)
            else:
                assert "two-step" in trial.is_refused(trial.token, 403)

    def test_under_a_former_name(self, trial: Trial) -> None:
        """What reads is led to the present name; what writes is done, for a name is never another's."""
        organization, former = trial.world.acme.organization, trial.address
        organization.name = "renamed"
        organization.save()
        if trial.method != "GET":
            trial.is_done(trial.token)
            return
        answer = trial.world.call("GET", f"{former}?limit=5", None, trial.token)
        assert answer.status_code == 308
        assert answer["Location"] == trial.world.address(trial.name, trial.row, name="renamed") + "?limit=5"
        trial.is_refused(factories.organization_token(trial.world.other.owner), 404)

    def test_bodies_that_are_none(self, trial: Trial) -> None:
        fine = {200, 204} if trial.row.body is None else {200}  # what takes no body does not read it
        for body in BAD_BODIES:
            with transaction.atomic():
                answer = trial.world.call(trial.method, trial.address, body, trial.token)
                transaction.set_rollback(True)
            assert answer.status_code in {400, *fine}, (body, answer.content)

    def test_methods_that_it_has_not(self, trial: Trial) -> None:
        served = {method for name, method in ROWS if name == trial.name}
        with nothing_changes():
            for other in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - served:
                refused(trial.world, other, trial.address, None, trial.token, 405)
                refused(trial.world, other, trial.address, None, None, 401)
            refused(trial.world, "OPTIONS", trial.address, None, trial.token, 403)


class TestLists:
    def test_they_are_read_on_by_their_cursor(self, world: World) -> None:
        organization, token = world.acme.organization, factories.organization_token(world.acme.owner)
        for number in range(7):
            Team.objects.create(organization=organization, name=f"team {number}")
        address, seen = "/api/v1/organizations/acme/teams?limit=3", []
        while address:
            page = world.call("GET", address, None, token).json()
            assert 1 <= len(page["results"]) <= 3
            seen += [team["id"] for team in page["results"]]
            address = page["next"]
        assert seen == sorted(organization.teams.values_list("pk", flat=True))

    def test_namespaces_by_name(self, world: World) -> None:
        token = factories.organization_token(world.acme.owner)
        page = world.call("GET", "/api/v1/organizations/acme/namespaces?limit=3", None, token).json()
        assert [grant["name"] for grant in page["results"]] == ["acme", "acme-child", "given-up"]
        page = world.call("GET", page["next"], None, token).json()
        assert ([grant["name"] for grant in page["results"]], page["next"]) == (["spare"], None)

    @pytest.mark.parametrize(
        "query",
        ["limit=", "after=", "lmit=5", "limit=0", "limit=101", "limit=x", "after=x", "after=-1", f"after={'9' * 40}"],
    )
    def test_cursors_that_are_none(self, world: World, query: str) -> None:
        refused(
            world,
            "GET",
            f"/api/v1/organizations/acme/teams?{query}",
            None,
            factories.organization_token(world.acme.owner),
            400,
        )

    def test_a_shared_namespace_is_the_guests_too(self, world: World) -> None:
        guest = factories.member(world.acme.guest, "guest")
        listed = world.call(
            "GET", "/api/v1/organizations/acme-guest/namespaces", None, factories.organization_token(guest)
        ).json()
        assert [(grant["name"], grant["owner"]) for grant in listed["results"]] == [("acme-child", "acme")]
        for path in ("", "/shares"):
            method = "GET" if path else "DELETE"
            address = f"/api/v1/organizations/acme-guest/namespaces/acme-child{path}"
            refused(world, method, address, None, factories.organization_token(guest), 404)


class TestWhatTheyDo:
    @pytest.fixture
    def call(self, world: World) -> Callable[..., Any]:
        token = factories.organization_token(world.acme.owner)
        return lambda method, path, body=None: world.call(method, f"/api/v1/organizations/acme{path}", body, token)

    def test_the_organization(self, call: Callable[..., Any]) -> None:
        assert call("GET", "").json()["name"] == "acme"
        changed = call("PATCH", "", {"description": "Rockets."}).json()
        assert (changed["description"], changed["display_name"]) == ("Rockets.", "Acme")
        assert call("PATCH", "", {}).json() == changed
        assert call("PATCH", "", {"website": "javascript:alert(1)"}).status_code == 400

    def test_roles_and_the_last_owner(self, world: World, call: Callable[..., Any]) -> None:
        member = world.acme.ids["member"]
        assert call("PATCH", f"/members/{member}", {"role": "owner"}).json()["role"] == "owner"
        acme = world.acme.organization
        for membership in acme.memberships.exclude(pk=world.acme.owner.pk):
            assert call("DELETE", f"/members/{membership.pk}").status_code == 204
        with nothing_changes():
            answer = call("DELETE", f"/members/{world.acme.owner.pk}")
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:freehold:problem:last-owner")
        assert [row["role"] for row in call("GET", "/members").json()["results"]] == ["owner"]

    def test_invitations_in_bulk(self, world: World, call: Callable[..., Any]) -> None:
        people = [
            {"email": "ann@example.com", "role": "manager", "teams": [world.acme.team.pk]},
            {"index_username": "bob", "role": "member"},
            {"email": "new@example.com", "role": "member"},
            {"email": world.acme.owner.user.email, "role": "member"},
        ]
        answer = call("POST", "/invitations", {"invitations": people})
        assert answer.status_code == 201, answer.content
        found = [(row["addressee"], row["outcome"]) for row in answer.json()["results"]]
        assert [outcome for _, outcome in found] == ["invited", "invited", "already-invited", "already-member"]
        assert answer.json()["results"][0]["invitation"]["teams"] == [world.acme.team.pk]
        with nothing_changes():
            again = call("POST", "/invitations", {"invitations": people[:2]})
        assert (again.status_code, again.json()["type"]) == (409, "urn:freehold:problem:nobody-to-invite")

    @pytest.mark.parametrize(
        "entry",
        [
            {},
            {"role": "member"},
            {"email": "x", "role": "member"},
            {"email": "a@b.example", "role": "king"},
            {"email": "a@b.example", "index_username": "a", "role": "member"},
            {"email": "a@b.example", "role": "member", "teams": ["x"]},
        ],
    )
    def test_with_one_bad_entry_nobody_is_invited(self, call: Callable[..., Any], entry: Any) -> None:
        good = {"email": "ann@example.com", "role": "member"}
        with nothing_changes():
            assert call("POST", "/invitations", {"invitations": [good, entry]}).status_code == 400

    def test_trap_12_not_into_a_team_of_another_organization(self, world: World, call: Callable[..., Any]) -> None:
        entry = {"email": "ann@example.com", "role": "member", "teams": [world.other.team.pk]}
        with nothing_changes():
            assert call("POST", "/invitations", {"invitations": [entry]}).status_code == 404

    def test_five_hundred_and_no_more(self, call: Callable[..., Any]) -> None:
        many = [{"email": f"p{number}@example.com", "role": "member"} for number in range(501)]
        with nothing_changes():
            assert call("POST", "/invitations", {"invitations": many}).status_code == 400

    def test_teams(self, world: World, call: Callable[..., Any]) -> None:
        team = call("POST", "/teams", {"name": "Releases"}).json()
        assert call("POST", "/teams", {"name": "Releases"}).status_code == 409
        path, member = f"/teams/{team['id']}", world.acme.ids["member"]
        assert call("PATCH", path, {"name": "Ships"}).json()["name"] == "Ships"
        for _ in range(2):
            assert call("PUT", f"{path}/members/{member}").status_code == 204
        assert [row["id"] for row in call("GET", f"{path}/members").json()["results"]] == [member]
        for _ in range(2):
            assert call("DELETE", f"{path}/members/{member}").status_code == 204
        assert call("DELETE", path).status_code == 204
        assert call("DELETE", path).status_code == 404

    def test_rights_of_teams(self, world: World, call: Callable[..., Any]) -> None:
        path = f"/namespaces/acme-child/teams/{world.acme.team.pk}"
        for _ in range(2):
            assert call("PUT", path).status_code == 204
        assert TeamGrant.objects.filter(grant=world.acme.child).count() == 1
        assert [row["name"] for row in call("GET", "/namespaces/acme-child/teams").json()["results"]] == ["Team"]
        for _ in range(2):
            assert call("DELETE", path).status_code == 204
        assert not TeamGrant.objects.filter(grant=world.acme.child).exists()

    def test_children_and_release(self, call: Callable[..., Any]) -> None:
        made = call("POST", "/namespaces/acme/children", {"name": "Acme_Labs"}).json()
        assert (made["name"], made["display_name"], made["root"]) == ("acme-labs", "Acme_Labs", "acme")
        assert call("POST", "/namespaces/acme/children", {"name": "acme-labs"}).status_code == 409
        assert call("POST", "/namespaces/acme/children", {"name": "elsewhere"}).status_code == 400
        assert call("DELETE", "/namespaces/acme-labs").status_code == 204
        assert call("DELETE", "/namespaces/acme").json()["detail"].startswith("'acme-child' is shared")
        for _ in range(2):
            assert call("DELETE", "/namespaces/spare").status_code == 204
        assert Grant.objects.get(name="spare").state == GrantState.QUARANTINED

    def test_shares(self, call: Callable[..., Any]) -> None:
        factories.organization("third")
        until = {"expires_at": (timezone.now() + timedelta(days=30)).isoformat()}
        for _ in range(2):
            assert call("PUT", "/namespaces/acme/shares/third", until).status_code == 200
        assert call("PUT", "/namespaces/acme/shares/third", {}).status_code == 409
        assert call("PUT", "/namespaces/acme/shares/acme", {}).status_code == 409
        assert len(call("GET", "/namespaces/acme/shares").json()["results"]) == 1
        for _ in range(2):
            assert call("DELETE", "/namespaces/acme/shares/third").status_code == 204
        assert not Share.objects.filter(grant__name="acme").exists()
        assert call("PUT", "/namespaces/acme/shares/third", {"expires_at": "2020-01-01T00:00:00"}).status_code == 400

    def test_transfers(self, world: World, call: Callable[..., Any]) -> None:
        offer = call("POST", "/transfers", {"namespace": "spare", "to": "other"}).json()
        assert (offer["by"], offer["to"], offer["namespace"]) == ("acme", "other", "spare")
        assert call("POST", "/transfers", {"namespace": "spare", "to": "other"}).status_code == 409
        assert call("POST", "/transfers", {"namespace": "other", "to": "other"}).status_code == 404
        assert call("POST", f"/transfers/{offer['id']}/accept").status_code == 403
        theirs = factories.organization_token(world.other.owner)
        path = f"/api/v1/organizations/other/transfers/{offer['id']}"
        assert world.call("POST", f"{path}/accept", None, theirs).json()["owner"] == "other"
        assert world.call("DELETE", path, None, theirs).status_code == 404

    def test_an_offer_is_declined(self, world: World, call: Callable[..., Any]) -> None:
        listed = call("GET", "/transfers").json()["results"]
        assert [offer["namespace"] for offer in listed] == ["foracme"]
        assert call("DELETE", f"/transfers/{listed[0]['id']}").status_code == 204
        assert call("GET", "/transfers").json()["results"] == []

    def test_publishers(self, call: Callable[..., Any]) -> None:
        given = {"issuer": "https://ci.acme.example", "claims": {"sub": "project:acme"}}
        made = call("POST", "/publishers", given).json()
        assert call("POST", "/publishers", given).status_code == 409
        assert call("DELETE", f"/publishers/{made['id']}").status_code == 204
        bad: list[Any] = [{}, {"sub": 7}, [], {"iss": "x"}, {"a\x00": "x"}, {"sub": "a\x00"}, {"sub": {"deep": 1}}]
        for claims in bad:
            with nothing_changes():
                assert call("POST", "/publishers", given | {"claims": claims}).status_code == 400

    def test_proofs(self, world: World, call: Callable[..., Any]) -> None:
        made = call("POST", "/proofs", {"kind": "dns", "subject": "acme.example"}).json()
        assert made["publish"]["where"] == "_freehold.acme.example"
        assert made["publish"]["value"].startswith("freehold-verification=")
        assert call("POST", "/proofs", {"kind": "dns", "subject": "acme.example"}).status_code == 409
        assert call("GET", f"/proofs/{made['id']}").json() == made
        seen = call("POST", f"/proofs/{world.acme.ids['proof']}/check").json()
        assert seen["finding"] == "not found" and seen["summary"]
        assert call("POST", f"/proofs/{world.acme.ids['proof']}/check").status_code == 429

    def test_the_code_of_a_mailbox_stays_in_its_mail(self, call: Callable[..., Any]) -> None:
        made = call("POST", "/proofs", {"kind": "email_domain", "subject": "ann@acme.example"})
        assert Proof.objects.get(kind="email_domain").challenge not in made.content.decode()
        assert Proof.objects.get(kind="email_domain").challenge not in call("GET", "/proofs").content.decode()

    def test_tokens(self, call: Callable[..., Any]) -> None:
        answer = call("POST", "/tokens", {"name": "ci", "permissions": ["view"]})
        made = answer.json()
        assert tokens.is_well_formed(made["token"])
        stored = OrganizationToken.objects.get(pk=made["id"])
        assert stored.expires_at is not None and 89 <= (stored.expires_at - timezone.now()).days <= 90
        assert made["token"] not in call("GET", "/tokens").content.decode()
        for _ in range(2):
            assert call("DELETE", f"/tokens/{made['id']}").status_code == 204
        eternal = call("POST", "/tokens", {"name": "ci", "permissions": ["view"], "expires_at": None}).json()
        assert eternal["expires_at"] is None

    def test_a_token_may_end_itself(self, world: World) -> None:
        token = factories.organization_token(world.acme.owner, N)
        own = OrganizationToken.objects.latest("pk").pk
        address = f"/api/v1/organizations/acme/tokens/{own}"
        assert world.call("DELETE", address, None, token).status_code == 204
        refused(world, "DELETE", address, None, token, 401)

    def test_who_did_it_stands_in_the_trail(self, world: World, call: Callable[..., Any]) -> None:
        from orgs.models import AuditEvent

        call("POST", "/teams", {"name": "Releases"})
        event = AuditEvent.objects.latest("pk")
        expected = Actor.automation(OrganizationToken.objects.latest("pk"), origin="127.0.0.1")
        assert (event.actor, event.origin, event.organization) == (expected.label, "127.0.0.1", "acme")


@pytest.mark.django_db(transaction=True)
class TestAudit:
    def read(self, world: World, query: str = "", token: str | None = None) -> list[dict[str, Any]]:
        address = f"/api/v1/organizations/acme/audit{query}"
        page = world.call("GET", address, None, token or factories.organization_token(world.acme.owner, A)).json()
        return list(page["results"])

    def test_it_is_followed_by_position(self) -> None:
        world = World()
        token = factories.organization_token(world.acme.owner)
        for number in range(5):
            world.call("POST", "/api/v1/organizations/acme/teams", {"name": f"t{number}"}, token)
            other = factories.organization_token(world.other.owner)
            world.call("POST", "/api/v1/organizations/other/teams", {"name": f"t{number}"}, other)
        events = self.read(world)
        assert [event["action"] for event in events] == ["team.created"] * 5
        assert "other" not in json.dumps(events)
        last = events[2]["position"]
        assert self.read(world, f"?after={last}") == events[3:]
        assert self.read(world, f"?after={last}&limit=1") == events[3:4]

    def test_its_filters(self) -> None:
        world = World()
        token = factories.organization_token(world.acme.owner)
        made = world.call("POST", "/api/v1/organizations/acme/teams", {"name": "a"}, token).json()
        world.call("DELETE", f"/api/v1/organizations/acme/teams/{made['id']}", None, token)
        world.call("PATCH", "/api/v1/organizations/acme", {"description": "x"}, token)
        both = ["team.created", "team.deleted"]
        for query, expected in {
            "?action=team.": both,
            "?action=team.created": both[:1],
            "?action=team": [],
            "?target=team acme/a": both,
            "?since=2999-01-01T00:00:00Z": [],
            "?until=2999-01-01T00:00:00Z&action=team.": both,
            "?actor=nobody": [],
        }.items():
            assert [event["action"] for event in self.read(world, query)] == expected, query
        for query in (
            "?after=x",
            "?after=-1",
            "?since=x",
            "?limit=1000",
            "?actor=%00",
            "?since=0001-01-01T00:00:00%2B14:00",
        ):
            answer = world.call("GET", f"/api/v1/organizations/acme/audit{query}", None, token)
            assert answer.status_code == 400, query


class TestServiceSide:
    """What indexes ask takes a service token, and says so to an organization's."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/api/v1/uploads/check"),
            ("POST", "/api/v1/uploads/check/batch"),
            ("PUT", "/api/v1/projects/x"),
            ("GET", "/api/v1/snapshot"),
            ("GET", "/api/v1/changes?after=0"),
            ("PUT", "/api/v1/usage/2026-01-01"),
            ("POST", "/api/v1/identities"),
        ],
    )
    def test_a_token_of_an_organization(self, world: World, method: str, path: str) -> None:
        problem = refused(world, method, path, {}, factories.organization_token(world.acme.owner), 403)
        assert "service token" in problem["detail"]
        refused(world, method, path, {}, tokens.generate(tokens.ORGANIZATION), 401)
