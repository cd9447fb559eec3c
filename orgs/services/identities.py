"""The index says which of its users somebody here is: it received a one-time code from that person, and returns it."""

from __future__ import annotations

from django.db import transaction

from accounts import identity
from orgs import audit
from orgs.actors import Actor


@transaction.atomic
def link_identity(*, actor: Actor, code: str, username: str) -> str:
    """Link whoever was given the code to this user name of the index; the name as it is kept, in lower case.

    The code is used up. Raises ``Invalid`` for what is no user name, ``CodeUnknown``, and ``IdentityTaken`` when
    another account has the name; nothing is changed then, and the code still holds.
    """
    user, before = identity.redeem(code=code, username=username)
    name = user.index_username
    assert name is not None
    audit.record(
        actor, "identity.linked", user.email, before={"index_username": before}, after={"index_username": name}
    )
    return name
