"""Where apps above this one have their say about accounts. They fill these lists in their ``AppConfig.ready``.

``accounts`` imports none of them, so it asks: a list of questions, and a list of those to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext

from accounts.models import User

SECOND_FACTOR_NEEDED: list[Callable[[User], str]] = []
"""Each answers why the user must keep a second factor, in one sentence, or "" when nothing of its own asks for one."""

ON_SECURITY_EVENT: list[Callable[[User, str, dict[str, Any]], None]] = []
"""Each is told of what changed about a user's sign-in: the user, the action, and its facts (JSON)."""


def why_second_factor(user: User) -> str:
    """Why this user must have a second factor, in one sentence; "" for who may go without."""
    if user.is_staff:
        return gettext("Staff must have two-step verification.")
    return next((reason for question in SECOND_FACTOR_NEEDED if (reason := question(user))), "")


def security_event(user: User, action: str, **facts: Any) -> None:
    """Tell everybody who wants to know, in the transaction of the change where there is one."""
    for listener in ON_SECURITY_EVENT:
        listener(user, action, facts)
