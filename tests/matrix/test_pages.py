"""Every page of the URLconf × everybody who could come to it (DESIGN section 7).

Complete by construction: the rows are what the URLconf has, and what is expected of a row follows from whom its view
says it lets in. An address with a part that is not known here fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import get_resolver, reverse

from freehold import access
from freehold.access import Access, Route
from orgs.views.access import MembersWith
from orgs.vocabulary import ROLE_PERMISSIONS, Permission, Role
from tests.dump import nothing_changes
from tests.matrix.world import (
    ADMIN,
    ANONYMOUS,
    COLUMNS,
    OUTSIDER,
    PUBLISHER,
    REVIEWER,
    Estate,
    World,
    rolled_back,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


class Outcome(StrEnum):
    WORKS = "works"
    SIGN_IN = "is asked to sign in"
    REFUSED = "is refused"
    NOT_THERE = "finds nothing"


ROLES = {PUBLISHER: Role.MEMBER} | {role.value: role for role in Role}
FIXED: dict[str, Any] = {
    "kind": None,
    "action": "suspend",
    "pk": 1,
    "provider_id": "index",
    "uidb36": "1",
    "key": "k-k",
}
KINDS = {
    "organization-publisher-new": "github",
    "organization-proof-new-kind": "dns",
    "organization-audit-export": "csv",
}
IN_PASSING = {
    "account-mails-stop", "account_email_verification_sent", "account_reauthenticate", "demo-mail", "demo-mail-html",
    "invitation", "invitation-accept", "invitation-decline", "invitation-decline-by-link", "invitation-sign-up",
    "mfa_authenticate", "mfa_deactivate_totp", "mfa_download_recovery_codes", "mfa_edit_webauthn", "mfa_login_webauthn", "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn", "mfa_remove_webauthn", "mfa_view_recovery_codes", "openid_connect_callback",
    "openid_connect_login", "recovery-check", "recovery-withdraw", "socialaccount_signup",
}  # fmt: skip
"""Steps of something that is under way, and what is one person's own. All who come here have nothing of the kind, and
are led away or find nothing, though they might look; that those who have find it is tested where it is made."""
PARTS = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>")


def rows() -> list[Route]:
    """Every page, by its name; what has none leads to another."""
    return [
        route for route in access.routes(get_resolver().url_patterns) if route.name and hasattr(route.view, "access")
    ]


def parts_of(route: Route) -> list[str]:
    return [first or second for first, second in PARTS.findall(route.pattern)]


def address(route: Route, parts: dict[str, Any]) -> str:
    known = FIXED | {"kind": KINDS.get(str(route.name))} | parts
    if str(route.name) in {"organization-proof-vouch", "organization-proof-decline", "organization-proof-withdraw"}:
        known |= {"proof": parts["request"]}
    return reverse(str(route.name), kwargs={part: known[part] for part in parts_of(route)})


def body(route: Route, parts: dict[str, Any]) -> dict[str, Any]:
    """What is posted: what an act is about, where its address does not say it."""
    if route.name == "organization-team-right-give":
        return {"namespace": parts["namespace"]}
    return {"team": parts["team"]} if route.name == "organization-namespace-team" else {}


STAFF = {REVIEWER, ADMIN}
OPEN_TO: dict[Access, set[str]] = {
    Access.PUBLIC: set(COLUMNS),
    Access.BUILDERS: STAFF,
    Access.SIGNED_IN: set(COLUMNS) - {ANONYMOUS},
    Access.CONCERNED: {Role.OWNER.value},
    Access.STAFF: STAFF,
    Access.ADMINS: {ADMIN},
}


def expected(said: Access | MembersWith, who: str) -> Outcome:
    """What must happen, from what the view says of itself."""
    if who == ANONYMOUS and said not in {Access.PUBLIC, Access.BUILDERS}:
        return Outcome.SIGN_IN
    if isinstance(said, MembersWith):
        return expected_of_members(said.permission, who)
    if who in OPEN_TO[said]:
        return Outcome.WORKS
    return Outcome.REFUSED if said is Access.ADMINS and who == REVIEWER else Outcome.NOT_THERE


def expected_of_members(permission: Permission, who: str) -> Outcome:
    if who not in ROLES:
        return Outcome.NOT_THERE
    return Outcome.WORKS if permission in ROLE_PERMISSIONS[ROLES[who]] else Outcome.REFUSED


def outcome(response: HttpResponse) -> Outcome:
    assert response.status_code < 500, response.content
    if response.status_code == 302 and response["Location"].startswith(reverse("account_login")):
        return Outcome.SIGN_IN
    return {403: Outcome.REFUSED, 404: Outcome.NOT_THERE}.get(response.status_code, Outcome.WORKS)


def methods(route: Route) -> tuple[str, ...]:
    return ("post",) if access.is_act(route.view) else ("get", "post")


@pytest.mark.parametrize("route", rows(), ids=lambda route: str(route.name))
def test_everybody_at_every_page(route: Route, world: World, estate: Estate) -> None:
    clients = {who: world.browser_of(world.people[who]) for who in COLUMNS}
    path, data = address(route, estate.parts), body(route, estate.parts)
    refused = {who: wanted for who in COLUMNS if (wanted := expected(route.view.access, who)) is not Outcome.WORKS}
    with nothing_changes():
        for who, wanted in refused.items():
            for method in methods(route):
                response = getattr(clients[who], method)(path, data)
                assert response.status_code == 405 or outcome(response) is wanted, (who, method, response)
    for who in COLUMNS:
        for method in methods(route) if who not in refused else ():
            with rolled_back():
                response = getattr(clients[who], method)(path, data)
            found = outcome(response)
            assert found is Outcome.WORKS or route.name in IN_PASSING, (who, method, response)


def swapped() -> Iterator[tuple[Route, str]]:
    """Every place in an organization's addresses where an id of another organization could stand."""
    for route in rows():
        if isinstance(route.view.access, MembersWith):
            yield from ((route, part) for part in parts_of(route) if part not in {"name", "kind", "action"})
        if route.view.access is Access.CONCERNED:
            yield route, "case"


@pytest.mark.parametrize(
    ("route", "part"), list(swapped()), ids=lambda value: value if isinstance(value, str) else value.name
)
def test_what_is_of_another_organization_is_not_there(route: Route, part: str, world: World, estate: Estate) -> None:
    other = world.other
    owner = world.browser_of(estate.owner.user)
    foreign = (
        {part: other.parts[part], "request": other.parts["request"]} if part == "proof" else {part: other.parts[part]}
    )
    path = address(route, estate.parts | foreign)
    with nothing_changes():
        for method in methods(route):
            response = getattr(owner, method)(path, body(route, estate.parts))
            assert response.status_code in {404, 405}, (method, response.status_code)


def test_an_owner_is_an_outsider_elsewhere(world: World) -> None:
    other = world.other
    client = world.browser_of(world.estate.owner.user)
    with nothing_changes():
        for route in rows():
            if isinstance(route.view.access, MembersWith):
                for method in methods(route):
                    response = getattr(client, method)(address(route, other.parts))
                    assert response.status_code in {404, 405}, (route.name, method, response.status_code)


def test_every_column_has_a_person(world: World) -> None:
    assert set(world.people) == set(COLUMNS)
    assert OUTSIDER in COLUMNS
