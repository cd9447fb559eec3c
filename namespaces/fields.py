"""The range type in which the ownership rule is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, GeneratedField

if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field  # generic for the type checker only


class PrefixRangeField(_Field):
    """A column of the type ``prefixrange``: a range of text in C collation. Only ever computed by the database."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "prefixrange"


def span_field() -> GeneratedField:
    """The interval of the names strictly below ``name``; two of them meet just when one namespace covers the other."""
    return GeneratedField(
        expression=Func(F("name"), template="prefixrange(%(expressions)s || '-', %(expressions)s || '.')"),
        output_field=PrefixRangeField(),
        db_persist=True,
    )
