"""The states of a grant and its transitions, as data (DESIGN section 4). Pure."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class GrantState(models.TextChoices):
    HELD = "held", _("Held")
    ACTIVE = "active", _("Active")
    LOCKED = "locked", _("Locked")
    QUARANTINED = "quarantined", _("Quarantined")
    RELEASED = "released", _("Released")


class Action(models.TextChoices):
    ACTIVATE = "activate", _("Activate")
    LOCK = "lock", _("Lock")
    UNLOCK = "unlock", _("Unlock")
    QUARANTINE = "quarantine", _("Quarantine")
    REINSTATE = "reinstate", _("Take back")
    RELEASE = "release", _("Release")
    DISCARD = "discard", _("Discard")


class LockCause(models.TextChoices):
    """Why a namespace is locked. Each is lifted by itself; the last one that is lifted unlocks."""

    STAFF = "staff", _("Staff locked it")
    STANDING = "standing", _("The holder's payment has lapsed")
    DISPUTE = "dispute", _("A report about it is looked into")


HOLDING: tuple[GrantState, ...] = (
    GrantState.HELD,
    GrantState.ACTIVE,
    GrantState.LOCKED,
    GrantState.QUARANTINED,
)
"""States in which nobody else can have an overlapping namespace."""

ENFORCED: tuple[GrantState, ...] = (GrantState.ACTIVE, GrantState.LOCKED, GrantState.QUARANTINED)
"""States that uploads are checked against, once ``effective_at`` has come."""

TRANSITIONS: dict[tuple[GrantState, Action], GrantState] = {
    (GrantState.HELD, Action.ACTIVATE): GrantState.ACTIVE,
    (GrantState.HELD, Action.DISCARD): GrantState.RELEASED,
    (GrantState.ACTIVE, Action.DISCARD): GrantState.RELEASED,
    (GrantState.ACTIVE, Action.LOCK): GrantState.LOCKED,
    (GrantState.ACTIVE, Action.QUARANTINE): GrantState.QUARANTINED,
    (GrantState.LOCKED, Action.DISCARD): GrantState.RELEASED,
    (GrantState.LOCKED, Action.UNLOCK): GrantState.ACTIVE,
    (GrantState.LOCKED, Action.QUARANTINE): GrantState.QUARANTINED,
    (GrantState.QUARANTINED, Action.REINSTATE): GrantState.ACTIVE,
    (GrantState.QUARANTINED, Action.RELEASE): GrantState.RELEASED,
}
"""``discard`` ends at once what leaves no name open: a grant that was never enforced, or a child under its root.
Every other grant goes through quarantine to ``released``."""


def next_state(state: GrantState, action: Action) -> GrantState | None:
    """Where the action leads from the state, or None when it can't be done there."""
    return TRANSITIONS.get((state, action))


def actions(state: GrantState) -> list[Action]:
    """What may be done now, in the order of the table."""
    return [action for origin, action in TRANSITIONS if origin == state]
