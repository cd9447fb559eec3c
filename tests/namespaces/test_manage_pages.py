"""The pages on which an organization manages teams' rights and namespaces: who sees them, what they do, what they say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from namespaces import pages_manage
from namespaces.decision import Publisher, Question, Reason, decide
from namespaces.facts import fetch
from namespaces.models import BlockedAttempt, Grant, Share, TeamGrant, Transfer
from namespaces.services.transfers import accept_transfer, offer_transfer
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import AuditEvent, Membership, Organization, Team
from orgs.vocabulary import Role, Standing, State
from tests import factories
from tests.dump import nothing_changes
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SOON = timedelta(days=7)


class World(NamedTuple):
    """Acme holds ``acme`` and ``acme-labs``, which it shares with friend; friend offers it ``offered``."""

    acme: Organization
    friend: Organization
    root: Grant
    labs: Grant
    team: Team
    theirs: Team
    their_grant: Grant
    offer: Transfer
    member: Membership


@pytest.fixture
def world() -> World:
    acme, friend = factories.organization("acme"), factories.organization("friend")
    root = factories.grant("acme", acme)
    labs = factories.grant("acme-labs", acme, root=root)
    team = factories.team(acme, "mia", grants=[labs], name="Labs")
    their_grant = factories.grant("offered", friend)
    factories.share(labs, friend)
    return World(
        acme=acme,
        friend=friend,
        root=root,
        labs=labs,
        team=team,
        theirs=factories.team(friend, "gus", grants=[labs], name="Guests"),
        their_grant=their_grant,
        offer=Transfer.objects.create(grant=their_grant, to=acme, expires_at=timezone.now() + SOON),
        member=team.members.get(),
    )


def browser(organization: Organization, role: Role | None, *, fresh: bool = True) -> Client:
    user = factories.user("viewer")
    if role is not None:
        Membership.objects.create(organization=organization, user=user, role=role)
    return signed_in(user, fresh=fresh)


@pytest.fixture
def owner(world: World) -> Client:
    return browser(world.acme, Role.OWNER)


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return str(response.content.decode())


def said(client: Client, address: str, typed: dict[str, Any] | None = None) -> str:
    """What the page says after the act."""
    return str(client.post(address, typed or {}, follow=True).content.decode())


def reason(project: str, *, user: str | None = None, organization: str | None = None) -> Reason:
    question = Question(project, Publisher(user=user, organization=organization))
    return decide(question, fetch(b"", [question]).facts[0]).reason


BASE = "/manage/acme"
LABS = f"{BASE}/namespaces/acme-labs/"
ROOT = f"{BASE}/namespaces/acme/"

# Each address with what is posted to it, and the roles that may; "{…}" are numbers of the world's rows.
PAGES: dict[str, tuple[str, dict[str, str] | None, str]] = {
    "teams": ("teams/", None, "omb m"),
    "team": ("teams/{team}/", None, "omb m"),
    "new team": ("teams/new/", {"name": "New"}, "om"),
    "edit team": ("teams/{team}/edit/", {"name": "New"}, "om"),
    "delete team": ("teams/{team}/delete/", {}, "om"),
    "add people": ("teams/{team}/members/", {"people": "{other}"}, "om"),
    "take out": ("teams/{team}/members/{member}/remove/", {}, "om"),
    "give right": ("teams/{team}/rights/", {"namespace": "acme"}, "om"),
    "take right": ("teams/{team}/rights/acme-labs/take/", {}, "om"),
    "namespaces": ("namespaces/", None, "omb m"),
    "namespace": ("namespaces/acme/", None, "omb m"),
    "child": ("namespaces/acme/children/new/", {"name": "acme-new"}, "om"),
    "give on": ("namespaces/acme/teams/", {"team": "{team}"}, "om"),
    "share": ("namespaces/acme/share/", {"organization": "friend"}, "o"),
    "unshare": ("namespaces/acme-labs/shares/friend/end/", {}, "o"),
    "transfer": ("namespaces/acme/transfer/", {"to": "friend", "confirm": "acme"}, "o"),
    "release": ("namespaces/acme/release/", {"confirm": "acme"}, "o"),
    "take back": ("namespaces/acme/take-back/", {}, "o"),
    "offer": ("offers/{offer}/", {}, "o"),
    "decline": ("offers/{offer}/decline/", {}, "o"),
}
ACTS = {"take out", "give right", "take right", "give on", "decline"}
ROLES = {"o": Role.OWNER, "m": Role.MANAGER, "b": Role.BILLING, " ": Role.MEMBER}
EVERYBODY = [*ROLES.values(), None, "nobody"]


def at(world: World, page: str, base: str = BASE) -> tuple[str, dict[str, str]]:
    """Where the page is, and what is posted there."""
    path, posted, _ = PAGES[page]
    other = world.acme.memberships.exclude(pk=world.member.pk).first()
    numbers = {
        "team": world.team.pk,
        "member": world.member.pk,
        "offer": world.offer.pk,
        "other": other.pk if other else 0,
    }
    filled = {name: value.format(**numbers) for name, value in (posted or {}).items()}
    return f"{base}/{path.format(**numbers)}", filled


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", EVERYBODY, ids=str)
def test_who_may(world: World, page: str, who: Role | str | None) -> None:
    """Anonymous people are asked to sign in, for outsiders nothing is there, and who lacks the right is refused."""
    factories.member(world.acme, "olga", Role.OWNER)
    role = who if isinstance(who, Role) else None
    client = Client() if who == "nobody" else browser(world.acme, role)
    address, posted = at(world, page)
    letters = PAGES[page][2]
    is_allowed = isinstance(who, Role) and any(ROLES[letter] == who for letter in letters)
    expected = 302 if who == "nobody" else 404 if who is None else 200 if is_allowed else 403
    if page not in ACTS:
        assert client.get(address).status_code == expected
    if PAGES[page][1] is None:
        assert client.post(address, posted).status_code in {405, expected}
    elif is_allowed:
        if page == "release":  # what is shared is not
            Share.objects.all().delete()
        assert client.post(address, posted).status_code == 302
    else:
        with nothing_changes():
            assert client.post(address, posted).status_code == expected


@pytest.mark.parametrize("page", sorted(ACTS))
def test_an_act_is_not_done_by_a_link(world: World, owner: Client, page: str) -> None:
    with nothing_changes():
        assert owner.get(at(world, page)[0]).status_code == 405


@pytest.mark.parametrize("page", ["delete team", "share", "unshare", "transfer", "release", "take back", "offer"])
def test_what_is_dangerous_asks_first_who_one_is(world: World, page: str) -> None:
    client = browser(world.acme, Role.OWNER, fresh=False)
    address, posted = at(world, page)
    for ask in (client.get, lambda address: client.post(address, posted)):
        with nothing_changes():
            assert ask(address)["Location"].startswith("/accounts/reauthenticate/")


class TestTrap12:
    """Nothing of another organization is found by its number or name, in whatever position."""

    NUMBERS = ("theirs", "0", "9" * 30)

    @pytest.mark.parametrize("page", [name for name in PAGES if "{team}" in PAGES[name][0]])
    @pytest.mark.parametrize("number", NUMBERS)
    def test_teams(self, world: World, owner: Client, page: str, number: str) -> None:
        path, posted, _ = PAGES[page]
        team = str(world.theirs.pk) if number == "theirs" else number
        address = f"{BASE}/{path.format(team=team, member=world.theirs.members.get().pk)}"
        with nothing_changes():
            assert owner.get(address).status_code in {404, 405}
            if posted is not None:
                assert owner.post(address, {"name": "New", "namespace": "acme"}).status_code == 404

    @pytest.mark.parametrize("number", NUMBERS)
    def test_memberships(self, world: World, owner: Client, number: str) -> None:
        membership = world.theirs.members.get().pk if number == "theirs" else number
        with nothing_changes():
            assert owner.post(f"{BASE}/teams/{world.team.pk}/members/{membership}/remove/").status_code == 404
            answer = owner.post(f"{BASE}/teams/{world.team.pk}/members/", {"people": membership})
        assert "no longer in the organization" in answer.content.decode()

    @pytest.mark.parametrize("page", [name for name in PAGES if "namespaces/acme" in PAGES[name][0]])
    @pytest.mark.parametrize("namespace", ["offered", "nothing", "Acme", "acme.", "a" * 300, "%00"])
    def test_grants(self, world: World, owner: Client, page: str, namespace: str) -> None:
        path, posted, _ = PAGES[page]
        address = f"{BASE}/{path.replace('acme-labs', namespace).replace('acme', namespace)}"
        with nothing_changes():
            if page not in ACTS:
                assert owner.get(address).status_code == 404
            if posted is not None:
                assert owner.post(address, {**posted, "team": str(world.team.pk)}).status_code == 404

    @pytest.mark.parametrize("namespace", ["offered", "nothing", "", "\x00", "a" * 300])
    def test_grants_that_are_chosen_in_a_form(self, world: World, owner: Client, namespace: str) -> None:
        with nothing_changes():
            answer = owner.post(f"{BASE}/teams/{world.team.pk}/rights/", {"namespace": namespace})
        assert answer.status_code == 404

    @pytest.mark.parametrize("team", ["theirs", "", "x", "-1", "²", "9" * 30])
    def test_teams_that_are_chosen_in_a_form(self, world: World, owner: Client, team: str) -> None:
        number = str(world.theirs.pk) if team == "theirs" else team
        with nothing_changes():
            assert owner.post(f"{ROOT}teams/", {"team": number}).status_code == 404

    @pytest.mark.parametrize("number", NUMBERS)
    def test_offers(self, world: World, owner: Client, number: str) -> None:
        """Offers of one's own are the receiver's to answer, too."""
        third = factories.organization()
        own = Transfer.objects.create(grant=world.root, to=third, expires_at=timezone.now() + SOON)
        address = f"{BASE}/offers/{own.pk if number == 'theirs' else number}/"
        with nothing_changes():
            assert owner.get(address).status_code == 404
            assert owner.post(address).status_code == 404
            assert owner.post(f"{address}decline/").status_code == 404

    @pytest.mark.parametrize("guest", ["nobody", "acme", "%00", "x" * 300])
    def test_guests(self, world: World, owner: Client, guest: str) -> None:
        with nothing_changes():
            assert owner.get(f"{LABS}shares/{guest}/end/").status_code == 404
            assert owner.post(f"{LABS}shares/{guest}/end/").status_code == 404

    @pytest.mark.parametrize("page", [name for name in PAGES if "acme" in PAGES[name][0] and name != "namespace"])
    def test_a_guest_does_not_act_on_what_is_shared_with_it(self, world: World, page: str) -> None:
        """But for the rights of its own teams."""
        client = browser(world.friend, Role.OWNER)
        path, posted, _ = PAGES[page]
        address = f"/manage/friend/{path.replace('acme-labs', 'acme').replace('acme', 'acme-labs')}".format(team=0)
        if page == "give on":
            assert client.post(address, {"team": str(world.theirs.pk)}).status_code == 302
            return
        with nothing_changes():
            assert client.post(address, posted or {}).status_code == 404


class TestTeams:
    def test_the_list_says_who_may_publish_where(self, world: World, owner: Client) -> None:
        page = text(owner, f"{BASE}/teams/")
        assert "Labs" in page and "acme-labs" in page and "Guests" not in page

    def test_made_filled_and_given_a_right(self, world: World, owner: Client) -> None:
        noor = factories.member(world.acme, "noor", Role.MEMBER)
        done = owner.post(f"{BASE}/teams/new/", {"name": "Docs", "description": "Writes."})
        team = Team.objects.get(name="Docs")
        assert done["Location"] == f"{BASE}/teams/{team.pk}/"
        owner.post(f"{BASE}/teams/{team.pk}/members/", {"people": [noor.pk]})
        assert reason("acme-x", user="noor") is Reason.RESERVED
        assert "Docs may publish in acme." in said(owner, f"{BASE}/teams/{team.pk}/rights/", {"namespace": "acme"})
        assert reason("acme-x", user="noor") is Reason.HOLDER
        page = text(owner, f"{BASE}/teams/{team.pk}/")
        assert "Writes." in page and "noor@example.com" in page
        said(owner, f"{BASE}/teams/{team.pk}/rights/acme/take/")
        assert reason("acme-x", user="noor") is Reason.RESERVED

    def test_a_child_only(self, world: World) -> None:
        assert reason("acme-labs-x", user="mia") is Reason.HOLDER
        assert reason("acme-x", user="mia") is Reason.RESERVED

    @pytest.mark.parametrize(
        ("field", "value"),
        [("name", ""), ("name", "labs"), ("name", "x" * 101), ("name", "a\x00"), ("description", "x" * 301)],
    )
    def test_bad_input_is_said(self, world: World, owner: Client, field: str, value: str) -> None:
        other = factories.team(world.acme, name="Other")
        typed = {"name": "Fine", "description": ""} | {field: value}
        for address in (f"{BASE}/teams/new/", f"{BASE}/teams/{other.pk}/edit/"):
            with nothing_changes():
                answer = owner.post(address, typed)
            assert answer.status_code == 200
            assert "Something is not right yet" in answer.content.decode()

    def test_one_leaves_by_oneself(self, world: World) -> None:
        client = signed_in(world.member.user)
        address = f"{BASE}/teams/{world.team.pk}/"
        assert "Leave the team" in text(client, address)
        assert "You have left the team." in said(client, f"{address}leave/")
        assert not world.team.members.exists()
        with nothing_changes():
            client.post(f"{address}leave/")

    def test_what_a_member_may_not_do_is_not_offered(self, world: World) -> None:
        page = text(signed_in(world.member.user), f"{BASE}/teams/{world.team.pk}/")
        assert not [word for word in ("Edit", "Add people", "Take out", "Give the right", "Danger") if word in page]

    def test_who_cannot_publish_yet_is_marked(self, world: World, owner: Client) -> None:
        person = Membership.objects.create(organization=world.acme, user=factories.user(), role=Role.MEMBER)
        world.team.team_members.create(membership=person)
        assert "No name on the index yet" in text(owner, f"{BASE}/teams/{world.team.pk}/")
        Organization.objects.filter(pk=world.acme.pk).update(requires_second_factor=True)
        assert "Needs two-step verification" in text(owner, f"{BASE}/teams/{world.team.pk}/")

    def test_who_lacks_a_required_second_factor_may_only_look(self, world: World, owner: Client) -> None:
        Organization.objects.filter(pk=world.acme.pk).update(requires_second_factor=True)
        assert "Make a team" not in text(owner, f"{BASE}/teams/")
        with nothing_changes():
            assert owner.post(f"{BASE}/teams/new/", {"name": "X"}).status_code == 403


class TestNamespaces:
    def test_the_tree(self, world: World, owner: Client) -> None:
        factories.grant("acme2", world.acme, state=GrantState.QUARANTINED)
        factories.grant("acme-labs-x", world.acme, root=world.root)
        branches = pages_manage.tree(world.acme)
        assert [(b.grant.name, b.depth) for b in branches] == [
            ("acme", 0),
            ("acme-labs", 1),
            ("acme-labs-x", 2),
            ("acme2", 0),
        ]
        page = text(owner, f"{BASE}/namespaces/")
        assert "Friend offers you offered" in page and "In quarantine" in page

    def test_what_is_released_or_no_longer_shared_is_not_there(self, world: World, owner: Client) -> None:
        factories.grant("old", world.acme, state=GrantState.RELEASED)
        factories.share(world.their_grant, world.acme, expires_at=timezone.now() - SOON)
        assert owner.get(f"{BASE}/namespaces/old/").status_code == 404
        assert owner.get(f"{BASE}/namespaces/offered/").status_code == 404

    def test_who_may_publish_and_why(self, world: World, owner: Client) -> None:
        factories.member(world.acme, "mads", Role.MANAGER)
        factories.member(world.acme, "bill", Role.BILLING)
        factories.trusted(world.acme, repository="acme/*")
        who = pages_manage.who_publishes(world.acme, world.labs)
        assert [(p.membership.user.index_username, p.by_role, len(p.by_teams)) for p in who.people] == [
            ("mads", True, 0),
            ("viewer", True, 0),
            ("mia", False, 1),
        ]
        assert [share.organization.name for share in who.shares] == ["friend"]
        page = text(owner, LABS)
        assert "has the right on" in page and "Friend" in page and "acme/" in page
        assert "mia" not in text(owner, ROOT), "a right on a child is none on its root"

    def test_the_page_and_the_check_agree(self, world: World) -> None:
        """On every person, in each namespace, as rights come and go."""
        factories.member(world.acme, "mads", Role.MANAGER)
        factories.member(world.acme, "bill", Role.BILLING)
        Membership.objects.create(
            organization=world.acme, user=factories.user("gone", is_active=False), role=Role.OWNER
        )
        for change in (
            lambda: None,
            lambda: TeamGrant.objects.create(team=world.team, grant=world.root),
            lambda: Organization.objects.filter(pk=world.acme.pk).update(requires_second_factor=True),
            lambda: User.objects.filter(index_username="mia").update(second_factor=True),
            lambda: Membership.objects.filter(user__index_username="mads").delete(),
        ):
            change()
            for organization in (Organization.objects.get(pk=world.acme.pk), world.friend):
                for grant in (world.root, world.labs):
                    who = pages_manage.who_publishes(organization, grant)
                    shown = {p.membership.user.index_username for p in who.people if p.counts}
                    users = organization.memberships.values_list("user__index_username", flat=True)
                    held = organization == world.acme or grant == world.labs
                    checked = {u for u in users if held and reason(f"{grant.name}-x", user=u) is Reason.HOLDER}
                    assert (shown if held else set()) == checked

    def test_of_a_shared_one_the_guest_sees_its_own_people_alone(self, world: World) -> None:
        BlockedAttempt.objects.create(
            namespace="acme-labs", project="acme-labs-x", publisher="user spy", reason="reserved"
        )
        page = text(browser(world.friend, Role.OWNER), "/manage/friend/namespaces/acme-labs/")
        assert "gus" in page and "Guests" in page
        for secret in ("mia", ">Labs<", "user spy", "Blocked", "Danger", "Why was it"):
            assert secret not in page

    def test_blocked_attempts_and_projects(self, world: World, owner: Client) -> None:
        for project in ("acme-x", "acme-y"):
            BlockedAttempt.objects.create(
                namespace="acme", project=project, publisher="user wile", reason="reserved", count=1200
            )
        BlockedAttempt.objects.create(namespace="offered", project="offered-x", publisher="user spy", reason="reserved")
        factories.project("acme-own", "acme")
        factories.project("acme-outside", "user:wile")
        page = text(owner, ROOT)
        assert "2,400 uploads were refused here, of 2 names." in page
        assert "Owned by a holder" in page and "Holders only" in page and "spy" not in page

    @pytest.mark.parametrize("state", [GrantState.HELD, GrantState.LOCKED, GrantState.QUARANTINED])
    def test_it_says_when_nobody_can_publish(self, world: World, owner: Client, state: GrantState) -> None:
        factories.grant("other", world.acme, state=state)
        assert "Nobody can publish a new project here now" in text(owner, f"{BASE}/namespaces/other/")

    @pytest.mark.parametrize("change", [{"standing": Standing.LAPSED}, {"state": State.SUSPENDED}])
    def test_also_because_of_the_organization(self, world: World, owner: Client, change: dict[str, str]) -> None:
        Organization.objects.filter(pk=world.acme.pk).update(**change)
        assert "Nobody can publish a new project here now" in text(owner, ROOT)

    def test_a_child_is_made(self, world: World, owner: Client) -> None:
        assert owner.post(f"{ROOT}children/new/", {"name": "Acme.New"})["Location"] == f"{BASE}/namespaces/acme-new/"
        assert Grant.objects.get(name="acme-new").root == world.root

    @pytest.mark.parametrize("name", ["", "other", "acme", "acme-labs", "acme-a-b-c-d-e", "-", "a\x00", "x" * 300])
    def test_or_refused_with_the_reason(self, world: World, owner: Client, name: str) -> None:
        with nothing_changes():
            answer = owner.post(f"{ROOT}children/new/", {"name": name})
        assert "Something is not right yet" in answer.content.decode()


class TestWhy:
    def ask(self, client: Client, project: str, publisher: str, kind: str = "user") -> str:
        response = client.get(ROOT, {"project": project, "publisher": publisher, "kind": kind})
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            (("Acme.X", "viewer", "user"), "viewer may upload acme-x"),
            (("acme-labs-x", "mia", "user"), "mia may upload acme-labs-x"),
            (("acme-x", "mia", "user"), "mia may not upload acme-x"),
            (("acme-x", "stranger", "user"), "they publish for none of its holders"),
            (("acme-labs-x", "friend", "organization"), "They publish for friend"),
            (("acme-x", "friend", "organization"), "friend may not upload acme-x"),
            (("acme-old", "anybody", "user"), "first uploaded before a namespace"),
            (("acme-x", "é\u202e", "organization"), "may not upload"),
        ],
    )
    def test_it_says_what_the_check_would(
        self, world: World, owner: Client, asked: tuple[str, str, str], expected: str
    ) -> None:
        factories.project("acme-old", "", timezone.now() - timedelta(days=900))
        with nothing_changes():
            assert expected in self.ask(owner, *asked)

    def test_with_the_grounds(self, world: World, owner: Client) -> None:
        assert "Owner of the organization" in self.ask(owner, "acme-x", "viewer").split('id="why"')[1]

    def test_a_lapse_and_a_lock(self, world: World, owner: Client) -> None:
        Organization.objects.filter(pk=world.acme.pk).update(standing=Standing.LAPSED)
        assert "whose payment has lapsed" in self.ask(owner, "acme-x", "viewer")
        Organization.objects.filter(pk=world.acme.pk).update(standing=Standing.GOOD)
        Grant.objects.filter(owner=world.acme).update(state=GrantState.LOCKED)
        assert "takes no new projects now" in self.ask(owner, "acme-x", "viewer")

    def test_a_member_without_the_second_factor_that_is_required(self, world: World, owner: Client) -> None:
        Organization.objects.filter(pk=world.acme.pk).update(requires_second_factor=True)
        assert "which they have not set up" in self.ask(owner, "acme-x", "viewer")

    @pytest.mark.parametrize(
        "asked",
        [
            {"project": "offered-x"},
            {"project": "acmefoo"},
            {"project": "-"},
            {"project": "a\x00"},
            {"project": ""},
            {"publisher": ""},
            {"publisher": "x" * 400},
            {"kind": "other"},
            {"kind": ""},
        ],
    )
    def test_only_of_names_under_the_namespace(self, world: World, owner: Client, asked: dict[str, str]) -> None:
        page = self.ask(owner, **({"project": "acme-x", "publisher": "mia"} | asked))
        assert "Something is not right yet" in page
        assert "Reason:" not in page


class TestSharing:
    @pytest.mark.parametrize("until", ["", "2099-12-31"])
    def test_shared_and_ended(self, world: World, owner: Client, until: str) -> None:
        until = until and f"{timezone.now().date() + SOON}"
        assert "The namespace is shared." in said(owner, f"{ROOT}share/", {"organization": "Friend", "until": until})
        assert reason("acme-x", organization="friend") is Reason.HOLDER
        expires = Share.objects.get(grant=world.root).expires_at
        assert (expires is not None) == bool(until)
        assert "may no longer publish here" in said(owner, f"{ROOT}shares/friend/end/")
        assert reason("acme-x", organization="friend") is Reason.RESERVED

    def test_an_organization_is_known_by_its_former_name(self, world: World, owner: Client) -> None:
        Organization.objects.filter(pk=world.friend.pk).update(name="buddy")
        said(owner, f"{ROOT}share/", {"organization": "friend"})
        assert Share.objects.get(grant=world.root).organization == world.friend

    @pytest.mark.parametrize(
        "typed",
        [
            {},
            {"organization": "nobody"},
            {"organization": "a\x00"},
            {"organization": "acme"},
            {"organization": "friend", "until": "2001-01-01"},
            {"organization": "friend", "until": "9999-12-31"},
            {"organization": "friend", "until": "soon"},
        ],
    )
    def test_bad_input_is_said(self, world: World, owner: Client, typed: dict[str, str]) -> None:
        with nothing_changes():
            answer = owner.post(f"{ROOT}share/", typed)
        assert "Something is not right yet" in answer.content.decode()

    def test_the_guests_teams_lose_their_rights_with_the_share(self, world: World, owner: Client) -> None:
        assert reason("acme-labs-x", user="gus") is Reason.HOLDER
        owner.post(f"{LABS}shares/friend/end/")
        assert reason("acme-labs-x", user="gus") is Reason.RESERVED
        assert not TeamGrant.objects.filter(team=world.theirs).exists()


class TestTransfer:
    def test_offered_withdrawn_offered_and_accepted(self, world: World, owner: Client) -> None:
        typed = {"to": "friend", "confirm": "acme"}
        assert "It is offered." in said(owner, f"{ROOT}transfer/", typed)
        assert "The offer is withdrawn." in said(owner, f"{ROOT}transfer/withdraw/")
        said(owner, f"{ROOT}transfer/", typed)
        offer = Transfer.objects.get(grant=world.root)
        receiver = signed_in(factories.member(world.friend, "fay").user)
        address = f"/manage/friend/offers/{offer.pk}/"
        assert "acme-labs" in text(receiver, address), "what goes with it"
        assert "The namespace is yours." in said(receiver, address)
        assert set(Grant.objects.filter(owner=world.friend).values_list("name", flat=True)) == {
            "acme",
            "acme-labs",
            "offered",
        }

    def test_declined(self, world: World, owner: Client) -> None:
        assert "The offer is declined." in said(owner, f"{BASE}/offers/{world.offer.pk}/decline/")
        assert not Transfer.objects.exists()

    def test_what_cannot_be_accepted_says_why(self, world: World, owner: Client) -> None:
        Organization.objects.filter(pk=world.acme.pk).update(standing=Standing.GRACE)
        address = f"{BASE}/offers/{world.offer.pk}/"
        assert "not an active organization in good standing" in text(owner, address)
        with nothing_changes():
            assert "not an active organization in good standing" in said(owner, address)

    def test_an_expired_offer_is_gone(self, world: World, owner: Client) -> None:
        Transfer.objects.update(expires_at=timezone.now() - SOON)
        assert owner.get(f"{BASE}/offers/{world.offer.pk}/").status_code == 404

    @pytest.mark.parametrize(
        "typed",
        [
            {"to": "friend"},
            {"to": "friend", "confirm": "Acme"},
            {"to": "acme", "confirm": "acme"},
            {"to": "x", "confirm": "acme"},
        ],
    )
    def test_bad_input_is_said(self, world: World, owner: Client, typed: dict[str, str]) -> None:
        with nothing_changes():
            assert "Something is not right yet" in owner.post(f"{ROOT}transfer/", typed).content.decode()

    def test_trap_10_teams_lose_theirs_when_a_namespace_moves(self, world: World) -> None:
        """Those of the former holder on the root and inside it; those of a guest stay, for it is still shared."""
        TeamGrant.objects.create(team=world.team, grant=world.root)
        assert reason("acme-labs-x", user="mia") is Reason.HOLDER
        operator = Actor.operator()
        third = factories.organization("third")
        accept_transfer(actor=operator, offer=offer_transfer(actor=operator, grant=world.root, to=third))
        assert not TeamGrant.objects.filter(team=world.team).exists()
        assert reason("acme-labs-x", user="mia") is Reason.RESERVED
        assert reason("acme-labs-x", user="gus") is Reason.HOLDER

    def test_trap_10_rights_of_a_guest_end_with_an_expired_share(self, world: World) -> None:
        Share.objects.filter(grant=world.labs).update(expires_at=timezone.now() - SOON)
        assert reason("acme-labs-x", user="gus") is Reason.RESERVED


class TestRelease:
    def test_released_and_taken_back(self, world: World, owner: Client) -> None:
        Share.objects.all().delete()
        assert str(settings.FREEHOLD_QUARANTINE.days) in text(owner, f"{ROOT}release/")
        owner.post(f"{ROOT}release/", {"confirm": "acme"})
        world.root.refresh_from_db()
        assert world.root.state == GrantState.QUARANTINED
        assert "The namespace is in use again." in said(owner, f"{ROOT}take-back/")
        world.root.refresh_from_db()
        assert world.root.state == GrantState.ACTIVE

    def test_not_while_it_is_shared(self, world: World, owner: Client) -> None:
        assert "unshare or transfer it first" in text(owner, f"{ROOT}release/")
        with nothing_changes():
            answer = owner.post(f"{ROOT}release/", {"confirm": "acme"})
        assert "unshare or transfer it first" in answer.content.decode()

    @pytest.mark.parametrize("confirm", ["", "acm", "ACME", "acme\x00"])
    def test_not_without_its_name(self, world: World, owner: Client, confirm: str) -> None:
        Share.objects.all().delete()
        with nothing_changes():
            assert owner.post(f"{ROOT}release/", {"confirm": confirm}).status_code == 200

    def test_each_act_is_in_the_trail_with_who_did_it(self, world: World, owner: Client) -> None:
        owner.post(f"{ROOT}children/new/", {"name": "acme-new"})
        event = AuditEvent.objects.latest("pk")
        assert (event.actor, event.action, event.origin) == (
            "viewer@example.com",
            "namespace.child_created",
            "127.0.0.1",
        )
