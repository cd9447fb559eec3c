"""What may become of an organization, and of the recovery of one: states and transitions as data (DESIGN section 7).

Pure.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from orgs.vocabulary import RecoveryState, State


class Action(models.TextChoices):
    ACTIVATE = "activate", _("Activate")
    SUSPEND = "suspend", _("Suspend")
    REINSTATE = "reinstate", _("Reinstate")
    CLOSE = "close", _("Close")


TRANSITIONS: dict[tuple[State, Action], State] = {
    (State.APPLIED, Action.ACTIVATE): State.ACTIVE,
    (State.APPLIED, Action.CLOSE): State.CLOSED,
    (State.ACTIVE, Action.SUSPEND): State.SUSPENDED,
    (State.ACTIVE, Action.CLOSE): State.CLOSED,
    (State.SUSPENDED, Action.REINSTATE): State.ACTIVE,
}
"""An application is not suspended: it can hold nothing, and to reinstate it would activate it. What is suspended is not
closed: its owners could give up what staff wants to look at."""

STAFF_ACTIONS = frozenset({Action.ACTIVATE, Action.SUSPEND, Action.REINSTATE})
"""What staff decides. To close is the owners'."""


def next_state(state: State, action: Action) -> State | None:
    """Where the action leads from the state, or None when it can't be done there."""
    return TRANSITIONS.get((state, action))


def actions(state: State) -> list[Action]:
    """What may be done now, in the order of the table."""
    return [action for origin, action in TRANSITIONS if origin == state]


class RecoveryAction(models.TextChoices):
    PROVE = "prove", _("Prove the domain")
    OPPOSE = "oppose", _("Oppose")
    VETO = "veto", _("Veto")
    WITHDRAW = "withdraw", _("Withdraw")
    GRANT = "grant", _("Grant")


RECOVERY_TRANSITIONS: dict[tuple[RecoveryState, RecoveryAction], RecoveryState] = {
    (RecoveryState.PROVING, RecoveryAction.PROVE): RecoveryState.WAITING,
    (RecoveryState.PROVING, RecoveryAction.WITHDRAW): RecoveryState.WITHDRAWN,
    (RecoveryState.WAITING, RecoveryAction.OPPOSE): RecoveryState.OPPOSED,
    (RecoveryState.WAITING, RecoveryAction.VETO): RecoveryState.VETOED,
    (RecoveryState.WAITING, RecoveryAction.WITHDRAW): RecoveryState.WITHDRAWN,
    (RecoveryState.WAITING, RecoveryAction.GRANT): RecoveryState.GRANTED,
}


def next_recovery_state(state: RecoveryState, action: RecoveryAction) -> RecoveryState | None:
    return RECOVERY_TRANSITIONS.get((state, action))
