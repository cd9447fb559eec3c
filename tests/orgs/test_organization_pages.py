"""The pages of an organization's life: who gets in, what they say, and that what is hidden is refused as well."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from namespaces.purging import PAGES, purged
from orgs.models import Organization, OrganizationName, Proof
from orgs.roles import markdown, table
from orgs.services.organizations import rename_organization
from orgs.vocabulary import ROLE_PERMISSIONS, Kind, ProofKind, ProofState, Role, State
from tests import factories
from tests.dump import nothing_changes
from tests.people import in_role, owner_of
from tests.sessions import signed_in
from tests.test_house import HOUSE

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SETTINGS = ("settings/", "settings/two-step/", "settings/rename/", "settings/close/")
VIEWED = ("", "roles/")


def client_of(user: User | None) -> Client:
    """Signed in just now, so that nobody is asked again who they are."""
    return Client() if user is None else signed_in(user)


def as_role(role: Role, organization: Organization) -> Client:
    return client_of(in_role(role, organization).user)


def staff(*, admin: bool = False) -> Client:
    user = factories.user(is_staff=True, is_superuser=admin)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return client_of(user)


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


def proved(organization: Organization, domain: str, kind: ProofKind = ProofKind.DNS) -> Proof:
    return Proof.objects.create(
        organization=organization,
        kind=kind,
        subject=domain,
        challenge="0" * 32,
        state=ProofState.VERIFIED,
        verified_at=timezone.now(),
    )


class TestWhoGetsIn:
    @pytest.mark.parametrize("role", Role)
    @pytest.mark.parametrize("page", [*VIEWED, *SETTINGS])
    def test_members_by_their_role(self, acme: Organization, role: Role, page: str) -> None:
        response = as_role(role, acme).get(f"/manage/acme/{page}")
        assert response.status_code == (200 if page in VIEWED or role is Role.OWNER else 403)
        assert response["Cache-Control"] in {"private, no-store", "no-store"}

    @pytest.mark.parametrize("page", [*VIEWED, *SETTINGS, "recoveries/1/oppose/"])
    def test_to_outsiders_they_are_not_there(self, acme: Organization, page: str) -> None:
        client = client_of(owner_of(factories.organization()).user)
        with nothing_changes():
            assert client.post(f"/manage/acme/{page}", {"name": "acme"}).status_code == 404

    @pytest.mark.parametrize("address", ["/dashboard/", "/new/", "/organizations/acme/recover/", "/review/recoveries/"])
    def test_anonymous_people_are_asked_to_sign_in(self, acme: Organization, address: str) -> None:
        response = Client().get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/?next=")

    @pytest.mark.parametrize("role", [Role.MANAGER, Role.BILLING, Role.MEMBER])
    @pytest.mark.parametrize("page", SETTINGS)
    def test_a_post_is_refused_as_the_page_is(self, acme: Organization, role: Role, page: str) -> None:
        """Traps 1 and 11: a button that is hidden, and a form under the permission to look."""
        client = as_role(role, acme)
        data = {"name": "acme", "display_name": "Mine", "required": "yes", "confirm": "acme"}
        with nothing_changes():
            response = client.post(f"/manage/acme/{page}", data)
        assert response.status_code == 403
        assert "may not do this for acme" in response.content.decode()

    @pytest.mark.parametrize("page", SETTINGS[1:])
    def test_what_is_dangerous_asks_again_who_one_is(self, acme: Organization, page: str) -> None:
        client = as_role(Role.OWNER, acme)
        session = client.session
        session["account_authentication_methods"] = []
        session.save()
        with nothing_changes():
            response = client.post(f"/manage/acme/{page}", {"name": "acme", "required": "yes"})
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/reauthenticate/")

    def test_a_closed_organization_has_no_pages(self, acme: Organization) -> None:
        client = as_role(Role.OWNER, acme)
        Organization.objects.update(state=State.CLOSED)
        assert client.get("/manage/acme/").status_code == 404


class TestDashboard:
    def test_a_new_person_is_told_what_to_do_first(self) -> None:
        page = client_of(factories.user()).get("/dashboard/").content.decode()
        for step in ("Set up two-step verification", "Link your user name on the index", "Set up an organization"):
            assert step in page
        assert "Welcome to Freehold" in page

    def test_what_is_to_be_done_follows_from_the_facts(self, acme: Organization) -> None:
        factories.member(acme, "ada")
        user = User.objects.get()
        page = client_of(user).get("/dashboard/").content.decode()
        assert {step for step in STEPS if step in page} == set(STEPS) - {"Become active"}
        proved(acme, "acme.example")
        factories.member(acme, "bob")
        factories.grant("acme", acme)
        page = client_of(user).get("/dashboard/").content.decode()
        assert not {step for step in STEPS if step in page}

    def test_only_what_the_role_can_do(self, acme: Organization) -> None:
        page = as_role(Role.MEMBER, acme).get("/dashboard/").content.decode()
        assert not {step for step in STEPS if step in page}

    def test_who_lacks_what_is_required_is_told_that_alone(self, acme: Organization) -> None:
        Organization.objects.update(requires_second_factor=True)
        page = as_role(Role.OWNER, acme).get("/manage/acme/").content.decode()
        assert "requires it. Until you have it you can look" in page
        assert not {step for step in STEPS if step in page}

    def test_one_that_has_been_applied_for_is_to_become_active_and_may_claim_already(self) -> None:
        waiting = factories.organization(state=State.APPLIED)
        page = as_role(Role.OWNER, waiting).get("/dashboard/").content.decode()
        assert "Become active" in page
        assert f'href="/claim/?organization={waiting.name}"' in page


STEPS = ("Prove who you are", "Have a second owner", "Hold a namespace", "Become active")


class TestSettingUp:
    def test_by_what_it_is_called(self) -> None:
        client = client_of(factories.user())
        response = client.post("/new/", {"display_name": "Ácme Rockets, GmbH", "kind": "company"})
        assert response["Location"] == "/manage/acme-rockets-gmbh/"
        made = Organization.objects.get()
        assert (made.name, made.display_name, made.kind) == ("acme-rockets-gmbh", "Ácme Rockets, GmbH", Kind.COMPANY)

    @pytest.mark.parametrize(
        ("data", "told"),
        [
            ({"kind": "company"}, "This field is required."),
            ({"display_name": "Acme", "kind": "charity"}, "Select a valid choice"),
            ({"display_name": "Acme", "kind": "company"}, "There is an organization named"),
            ({"display_name": "株式会社", "kind": "company"}, "Give it a short name"),
            ({"display_name": "A\x00b", "kind": "company"}, "Null characters are not allowed."),
            ({"display_name": "x" * 201, "kind": "company"}, "at most 200 characters"),
            ({"display_name": "x", "name": "-x", "kind": "company"}, "is not a valid project name"),
            ({"display_name": "x", "name": "freeholders", "kind": "company"}, "kept for those who run Freehold"),
        ],
    )
    def test_what_cannot_be_had(self, acme: Organization, data: dict[str, str], told: str) -> None:
        client = client_of(factories.user())
        with nothing_changes():
            response = client.post("/new/", data)
        assert response.status_code == 422
        assert told in response.content.decode()

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ({}, ""),
            ({"display_name": "Acme"}, "taken"),
            ({"display_name": "New thing"}, "can be had"),
            ({"display_name": "x", "name": "aCrn_3"}, "can be had"),
            ({"name": "acrne"}, "It looks like acme."),
            ({"name": "a.c-m.e"}, "It looks like acme."),
            ({"name": "-"}, "is not a valid project name"),
            ({"name": "\x00"}, "is not a valid project name"),
            ({"name": "x" * 100_000}, "has at most 200 characters"),
        ],
    )
    def test_whether_a_name_can_be_had(self, acme: Organization, query: dict[str, str], told: str) -> None:
        client = client_of(factories.user())
        with nothing_changes():
            response = client.get("/new/", query, headers={"HX-Request": "true"})
        assert response.status_code == 200
        text = response.content.decode()
        assert "<html" not in text
        assert told in text.replace("&#x27;", "'") if told else not text.strip()

    def test_a_former_name_is_taken_too(self, acme: Organization) -> None:
        rename_organization(actor=owner_of(acme), organization=acme, name="apex")
        client = client_of(factories.user())
        assert "taken" in client.get("/new/", {"name": "acme"}, headers={"HX-Request": "true"}).content.decode()


class TestProfile:
    def test_it_is_the_same_for_everybody(self, acme: Organization) -> None:
        acme.description, acme.website = "Rockets <b>here</b>.", "https://www.acme.example/"
        acme.save()
        proved(acme, "acme.example")
        factories.grant("acme", acme)
        anonymous = Client().get("/organizations/acme/")
        assert anonymous.status_code == 200
        assert anonymous["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert anonymous.content == as_role(Role.OWNER, acme).get("/organizations/acme/").content
        page = anonymous.content.decode()
        assert "Rockets &lt;b&gt;here&lt;/b&gt;." in page
        assert 'rel="nofollow ugc noopener"' in page
        assert "not verified" not in page
        assert '/namespaces/acme/"' in page
        again = Client().get("/organizations/acme/", headers={"If-None-Match": anonymous["ETag"]})
        assert again.status_code == 304

    @pytest.mark.parametrize(
        "said", [{"description": "New."}, {"website": "https://new.example/"}, {"display_name": "Acme 2"}], ids=str
    )
    def test_what_it_says_of_itself_is_new_at_once_in_every_cache(
        self, acme: Organization, said: dict[str, str]
    ) -> None:
        """No cache may use what it has without asking, and who asks hears the new text."""
        before = Client().get("/organizations/acme/")
        assert "max-age=0, must-revalidate" in before["Cache-Control"]
        assert "CDN-Cache-Control" not in before and "Surrogate-Control" not in before
        Organization.objects.filter(pk=acme.pk).update(**said)
        after = Client().get("/organizations/acme/", headers={"If-None-Match": before["ETag"]})
        assert after.status_code == 200
        assert next(iter(said.values())) in after.content.decode()

    def test_it_shows_no_people(self, acme: Organization) -> None:
        factories.member(acme, "ada")
        assert "ada" not in Client().get("/organizations/acme/").content.decode().lower()

    def test_it_is_purged_when_its_organization_changes(self, acme: Organization) -> None:
        keys = Client().get("/organizations/acme/")["Surrogate-Key"].split()
        assert PAGES in keys
        assert set(purged([("organization", "acme")])) == set(keys)

    @pytest.mark.parametrize("website", ["https://acme.example.evil.example/", "https://notacme.example/"])
    def test_a_website_elsewhere_is_not_verified(self, acme: Organization, website: str) -> None:
        Organization.objects.update(website=website)
        proved(acme, "acme.example")
        assert "not verified" in Client().get("/organizations/acme/").content.decode()

    @pytest.mark.parametrize("state", [State.APPLIED, State.SUSPENDED])
    def test_one_that_nobody_looked_at_says_nothing_of_itself(self, acme: Organization, state: State) -> None:
        Organization.objects.update(state=state, description="Buy now", website="https://spam.example/")
        page = Client().get("/organizations/acme/").content.decode()
        assert "Buy now" not in page
        assert "spam.example" not in page
        assert '<meta name="robots" content="noindex">' in page

    def test_a_closed_one_is_gone_and_says_so(self, acme: Organization) -> None:
        Organization.objects.update(state=State.CLOSED, description="Buy now")
        response = Client().get("/organizations/acme/")
        assert response.status_code == 410
        assert "is closed." in response.content.decode()
        assert "Buy now" not in response.content.decode()

    @pytest.mark.parametrize("spelling", ["Acme", "former", "FORMER"])
    def test_other_spellings_and_former_names_lead_to_it(self, acme: Organization, spelling: str) -> None:
        OrganizationName.objects.create(name="former", organization=acme)
        response = Client().get(f"/organizations/{spelling}/")
        assert (response.status_code, response["Location"]) == (301, "/organizations/acme/")

    @pytest.mark.parametrize("name", ["nobody", "-", "a%00b", "x" * 1000, "%E2%84%AA"])
    def test_there_is_no_such_organization(self, name: str) -> None:
        assert Client().get(f"/organizations/{name}/").status_code == 404
        assert client_of(factories.user()).get(f"/organizations/{name}/recover/").status_code == 404


class TestRoles:
    def test_the_page_is_the_registry(self, acme: Organization) -> None:
        factories.member(acme, "ada", Role.BILLING)
        page = as_role(Role.MEMBER, acme).get("/manage/acme/roles/").content.decode()
        assert all(str(row.permission.label) in page for row in table())
        assert "ada@example.com" in page

    def test_the_table_is_the_registry(self) -> None:
        assert {(role, row.permission) for row in table() for role, may in row.cells if may} == {
            (role, permission) for role, permissions in ROLE_PERMISSIONS.items() for permission in permissions
        }

    def test_the_documentation_is_the_registry(self, capsys: pytest.CaptureFixture[str]) -> None:
        """``manage.py print_roles > docs/roles.md`` makes it so again."""
        call_command("print_roles")
        assert capsys.readouterr().out == (HOUSE / "docs/roles.md").read_text(encoding="utf-8") == markdown()


class TestSettings:
    def test_what_is_saved(self, acme: Organization) -> None:
        client = as_role(Role.OWNER, acme)
        data = {"display_name": "Acme Rockets", "description": "Rockets.", "website": "https://acme.example"}
        response = client.post("/manage/acme/settings/", data)
        assert response["Location"] == "/manage/acme/settings/"
        acme.refresh_from_db()
        assert (acme.display_name, acme.description, acme.website) == tuple(data.values())

    @pytest.mark.parametrize(
        "website", ["javascript:alert(1)", "ftp://acme.example", "https://u:p@acme.example", "http://[", "x"]
    )
    def test_a_website_is_of_the_web(self, acme: Organization, website: str) -> None:
        client = as_role(Role.OWNER, acme)
        with nothing_changes():
            response = client.post("/manage/acme/settings/", {"display_name": "Acme", "website": website})
        assert response.status_code == 422

    def test_renaming_leads_to_the_new_address(self, acme: Organization) -> None:
        client = as_role(Role.OWNER, acme)
        assert client.post("/manage/acme/settings/rename/", {"name": "Apex"})["Location"] == "/manage/apex/settings/"
        assert client.get("/manage/acme/settings/")["Location"] == "/manage/apex/settings/"

    def test_two_step_verification_is_asked_by_who_has_it(self, acme: Organization) -> None:
        factories.member(acme, "ada", Role.MEMBER)
        actor = owner_of(acme)
        assert actor.user is not None
        client, address = client_of(actor.user), "/manage/acme/settings/two-step/"
        with nothing_changes():
            client.post(address, {"required": "yes"})
        Authenticator.objects.create(user=actor.user, type=Authenticator.Type.TOTP, data={"secret": "x"})
        assert "ada@example.com" in client.get(address).content.decode()
        client.post(address, {"required": "yes"})
        acme.refresh_from_db()
        assert acme.requires_second_factor


class TestForStaff:
    ADDRESSES = ("/review/organizations/", "/review/organizations/acme/", "/review/recoveries/")
    ACTS = ("activate", "suspend", "reinstate", "seats", "sponsor")

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_only_for_staff_with_a_second_factor(self, acme: Organization, address: str) -> None:
        assert staff().get(address).status_code == 200
        assert as_role(Role.OWNER, acme).get(address).status_code == 404
        assert client_of(factories.user(is_staff=True)).get(address).status_code == 302

    @pytest.mark.parametrize("act", ACTS)
    def test_to_others_the_acts_are_not_there(self, acme: Organization, act: str) -> None:
        client = as_role(Role.OWNER, acme)
        with nothing_changes():
            assert client.post(f"/review/organizations/acme/{act}/", {"reason": "x"}).status_code == 404

    def test_only_admins_recognize_sponsors(self, acme: Organization) -> None:
        address, data = "/review/organizations/acme/sponsor/", {"recognized": "yes"}
        reviewer, admin = staff(), staff(admin=True)
        with nothing_changes():
            assert reviewer.post(address, data).status_code == 403
        admin.post(address, data)
        acme.refresh_from_db()
        assert acme.is_sponsor

    def test_a_suspension_needs_its_reason(self, acme: Organization) -> None:
        client = staff()
        with nothing_changes():
            response = client.post("/review/organizations/acme/suspend/", {"reason": "  "}, follow=True)
        assert "Say why" in response.content.decode()

    @pytest.mark.parametrize("act", ["close", "promote", "%00"])
    def test_what_is_no_decision_of_staff(self, acme: Organization, act: str) -> None:
        client = staff()
        with nothing_changes():
            assert client.post(f"/review/organizations/acme/{act}/").status_code == 404

    @pytest.mark.parametrize("query", ["acm", "ACME", "former", "ada@example.com", "Acm"])
    def test_found_by_name_former_name_and_people(self, acme: Organization, query: str) -> None:
        factories.organization("other")
        OrganizationName.objects.create(name="former-name", organization=acme)
        factories.member(acme, "ada")
        page = staff().get("/review/organizations/", {"q": query}).content.decode()
        assert "/review/organizations/acme/" in page
        assert "/review/organizations/other/" not in page

    @pytest.mark.parametrize("query", [{"q": "\x00"}, {"state": "x", "kind": "\x00"}, {"page": "9999999999999"}])
    def test_nonsense_is_no_error(self, query: dict[str, str]) -> None:
        assert staff().get("/review/organizations/", query).status_code == 200
