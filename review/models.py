"""What the desk itself remembers: who has a case in hand, what reviewers note among themselves, who must not decide."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namespaces.models import Case

NOTE_LENGTH = 4_000
REASON_LENGTH = 500


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def current(self) -> AssignmentQuerySet:
        """Those whose time has not run out."""
        return self.filter(until__gt=timezone.now())


class Assignment(models.Model):
    """A case that a reviewer has in hand, ``until`` their time runs out; one reviewer at a time."""

    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="assignment")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments")
    since = models.DateTimeField(_("since"), default=timezone.now)
    until = models.DateTimeField(_("until"))

    objects: ClassVar[models.Manager[Assignment]] = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        indexes = [models.Index(fields=["reviewer", "until"], name="assignment_of_reviewer")]

    def __str__(self) -> str:
        return f"{self.case_id} with {self.reviewer_id}"


class Note(models.Model):
    """What a reviewer notes about a case for other reviewers. Applicants never see it."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    text = models.TextField(_("text"), max_length=NOTE_LENGTH)
    at = models.DateTimeField(_("at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"on {self.case_id}"


class Conflict(models.Model):
    """A conflict of interest that a reviewer declared: the case is not theirs to decide, nor its appeal."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="conflicts")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conflicts")
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("conflict of interest")
        verbose_name_plural = _("conflicts of interest")
        constraints = [models.UniqueConstraint(fields=["case", "reviewer"], name="conflict_unique")]

    def __str__(self) -> str:
        return f"{self.reviewer_id} on {self.case_id}"
