"""What Freehold writes to people about, as data: who gets it, whether it can be switched off, and why not. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Topic(models.TextChoices):
    """A mail without a topic is of the first, which nobody can switch off."""

    ACCOUNT = "account", _("Your account and your organizations")
    DECISIONS = "decisions", _("Decisions")
    QUESTIONS = "questions", _("Questions and deadlines")
    BILLING = "billing", _("Payments and what depends on them")
    PROGRESS = "progress", _("Progress of claims and applications")
    OVERTAKEN = "overtaken", _("New namespaces around your projects")
    BLOCKED = "blocked", _("Refused uploads in your namespaces")
    DIGEST = "digest", _("What waits at the review desk")

    @property
    def about(self) -> About:
        return ABOUT[self]


@dataclass(frozen=True)
class About:
    """``why`` says in a sentence why the topic can't be switched off; it is empty for those that can. ``usual`` is
    what holds for who has chosen nothing."""

    description: str | Promise
    why: str | Promise = ""
    usual: bool = True
    is_for_staff: bool = False


ABOUT: dict[Topic, About] = {
    Topic.ACCOUNT: About(
        _("Sign-in, roles, invitations, proofs, tokens, and whatever else touches who may act for you."),
        why=_("If somebody else did it, this is how you learn of it."),
    ),
    Topic.DECISIONS: About(
        _("What was decided on a claim, an application or a dispute of yours, and what comes of it."),
        why=_("A decision binds you, so it reaches you."),
    ),
    Topic.QUESTIONS: About(
        _("What a reviewer asks or writes, and what ends if nobody does something in time."),
        why=_("An answer that does not come can cost you what you applied for."),
    ),
    Topic.BILLING: About(
        _("What is due, what could not be collected, and what ends if it is not paid."),
        why=_("What is not paid in time locks the namespaces of your organization."),
    ),
    Topic.PROGRESS: About(
        _("That something was received, withdrawn or is looked at again, and its place in the queue.")
    ),
    Topic.OVERTAKEN: About(_("When somebody is granted a namespace in which you have projects. They go on as before.")),
    Topic.BLOCKED: About(_("Once a week, and only if there were any: which names others tried to start there.")),
    Topic.DIGEST: About(
        _("On weekday mornings, and only if something waits: how much, since when, and what needs two."),
        is_for_staff=True,
    ),
}


def optional(*, staff: bool) -> list[Topic]:
    """Those that can be switched off, in their order; with what only staff gets, or without."""
    return [topic for topic in Topic if not topic.about.why and (staff or not topic.about.is_for_staff)]


def always() -> list[Topic]:
    """Those that can't."""
    return [topic for topic in Topic if topic.about.why]
