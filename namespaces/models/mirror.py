"""The mirror of the index's projects, and what each of them cost it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from namespaces import names
from orgs.models import NORMALIZED_NAME

OWNER_TEXT = r"^(user:.+|[a-z0-9]+(-[a-z0-9]+)*)?$"


class ProjectQuerySet(models.QuerySet["Project"]):
    def under(self, namespace: str) -> ProjectQuerySet:
        """Those that the namespace covers, by name.

        As one interval, ``[foo, foo.)``: between ``foo`` and ``foo-`` there is no normalized name. So the first of them
        come straight from the index, in order; ``name = 'foo' OR name >= 'foo-' …`` would sort them all.
        """
        return self.filter(name__gte=namespace, name__lt=names.interval(namespace)[1]).order_by("name")


class Project(models.Model):
    """A project on the index, mirrored.

    ``owner`` is the name of the organization that owns it, or ``user:`` and an index user name, or empty when nobody
    has said. A prefix keeps a person who is called like an organization apart from it: no name has a colon.
    """

    name = models.CharField(_("name"), max_length=names.MAX_LENGTH, db_collation="C")
    owner = models.CharField(_("owner"), max_length=120, blank=True, default="", db_collation="C")
    first_uploaded = models.DateTimeField(_("first uploaded"))

    objects: ClassVar[models.Manager[Project]] = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        constraints = [
            models.UniqueConstraint(fields=["name"], include=["owner", "first_uploaded"], name="project_name_unique"),
            models.CheckConstraint(name="project_name_normalized", condition=Q(name__regex=NORMALIZED_NAME)),
            models.CheckConstraint(name="project_owner_shape", condition=Q(owner__regex=OWNER_TEXT)),
        ]

    def __str__(self) -> str:
        return self.name


class Usage(models.Model):
    """What one project cost the index on one day, as the index reported it; the project need not be in the mirror."""

    day = models.DateField(_("day"))
    project = models.CharField(_("project"), max_length=names.MAX_LENGTH, db_collation="C")
    bytes = models.BigIntegerField(_("bytes"))
    downloads = models.BigIntegerField(_("downloads"))

    class Meta:
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        constraints = [
            models.UniqueConstraint(fields=["day", "project"], name="usage_unique"),
            models.CheckConstraint(name="usage_project_normalized", condition=Q(project__regex=NORMALIZED_NAME)),
            models.CheckConstraint(name="usage_not_negative", condition=Q(bytes__gte=0) & Q(downloads__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.project} on {self.day}"
