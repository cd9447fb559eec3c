"""Fields that take what they say and nothing like it: no number for a text, no text for a number."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers


class TextField(serializers.CharField):
    """A text of one line, and of printable characters only."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Give a text.")
        text: str = super().to_internal_value(data)
        if not text.isprintable():
            raise serializers.ValidationError("Give one line of printable characters.")
        return text


class WholeField(serializers.IntegerField):
    """An id: a positive number of JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("Give a whole number.")
        return int(super().to_internal_value(data))


class WordField(serializers.ChoiceField):
    """One of the words of a closed vocabulary."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            raise serializers.ValidationError("Give a text.")
        return super().to_internal_value(data)


class MomentField(serializers.DateTimeField):
    """A time with its zone; without one it could be any of a day's worth of times."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            raise serializers.ValidationError("Give the time as a text, such as 2027-03-04T05:06:07Z.")
        return super().to_internal_value(value)

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise serializers.ValidationError("Give the time with its zone, such as 2027-03-04T05:06:07Z.")
        try:
            return super().enforce_timezone(value)
        except OverflowError as error:
            raise serializers.ValidationError("The time is out of range.") from error


class CursorSerializer(serializers.Serializer[Any]):
    """The query of every list."""

    after = serializers.CharField(required=False, max_length=200, help_text="The cursor that stands in `next`.")
    limit = serializers.IntegerField(min_value=1, max_value=100, default=100, help_text="Entries in one answer.")
