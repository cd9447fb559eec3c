"""The shapes of the API: what comes in is validated by them, what goes out is described by them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from freehold.errors import Invalid
from namespaces.api.shapes import OWNER_SCHEMA
from namespaces.decision import Reason
from namespaces.models import Change
from namespaces.owners import parse_owner
from namespaces.states import ENFORCED
from orgs.vocabulary import Kind, Standing, State


class MarkSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    owned = serializers.BooleanField(help_text="Whether the project's owner holds the namespace, or one inside it.")


class DecisionSerializer(serializers.Serializer[Any]):
    allowed = serializers.BooleanField()
    status = serializers.ChoiceField([200, 409], help_text="What the index answers the uploader.")
    reason = serializers.ChoiceField([reason.value for reason in Reason])
    project = serializers.CharField(help_text="The normalized name.")
    namespace = serializers.CharField(allow_null=True)
    organization = serializers.CharField(allow_null=True, help_text="To whom the index assigns a new project.")
    message = serializers.CharField(help_text="One ASCII line for the uploader.")
    url = serializers.URLField(allow_null=True)
    namespaces = MarkSerializer(many=True)
    revision = serializers.IntegerField()
    candidates = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="All organizations that qualify, when several do."
    )


class BatchAnswerSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    decisions = serializers.ListField(
        child=serializers.JSONField(), help_text="A decision for each question, or a problem where it has one."
    )


class MetaSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"api-version": serializers.CharField()}


class NamespaceSerializer(serializers.Serializer[Any]):
    meta = MetaSerializer()
    name = serializers.CharField()
    parent = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # a field, not the attribute
    children = serializers.ListField(child=serializers.CharField())
    owner = serializers.CharField()


class NamespaceListEntrySerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    parent = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # a field, not the attribute
    owner = serializers.CharField()


class NamespaceListSerializer(serializers.Serializer[Any]):
    meta = MetaSerializer()
    namespaces = NamespaceListEntrySerializer(many=True)


class ProjectNamespacesSerializer(serializers.Serializer[Any]):
    meta = MetaSerializer()
    name = serializers.CharField()
    namespaces = MarkSerializer(many=True, allow_null=True)


@extend_schema_field(OWNER_SCHEMA)
class OwnerField(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):  # the field itself would take a number for its digits
            raise serializers.ValidationError("An owner is a string.")
        try:
            return parse_owner(super().to_internal_value(data))
        except Invalid as error:
            raise serializers.ValidationError(error.message) from error


class ZonedDateTimeField(serializers.DateTimeField):
    """A time with its zone; without one it could be any of a day's worth of times."""

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise serializers.ValidationError("Give the time with its zone, such as 2021-03-04T05:06:07Z.")
        try:
            return super().enforce_timezone(value)
        except OverflowError as error:
            raise serializers.ValidationError("The time is out of range.") from error


class ProjectInputSerializer(serializers.Serializer[Any]):
    owner = OwnerField(
        required=False,
        allow_blank=True,
        max_length=120,
        help_text="The organization's name, or 'user:' and an index user name; empty when not known.",
    )
    first_uploaded = ZonedDateTimeField(required=False, help_text="Left out for a new project: now.")


class ProjectSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    owner = serializers.CharField(allow_blank=True)
    first_uploaded = serializers.DateTimeField()


class ShareEntrySerializer(serializers.Serializer[Any]):
    organization = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)


class TeamPublisherSerializer(serializers.Serializer[Any]):
    organization = serializers.CharField()
    user = serializers.CharField()


class GrantEntrySerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    state = serializers.ChoiceField([state.value for state in ENFORCED])
    effective_at = serializers.DateTimeField()
    owner = serializers.CharField()
    root = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # a field, not the attribute
    shares = ShareEntrySerializer(many=True)
    publishers = TeamPublisherSerializer(many=True, help_text="By their teams; owners and managers besides.")


class TrustedPublisherSerializer(serializers.Serializer[Any]):
    issuer = serializers.CharField()
    claims = serializers.DictField(child=serializers.CharField())


class OrganizationEntrySerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.ChoiceField(Kind.values)
    state = serializers.ChoiceField(State.values)
    standing = serializers.ChoiceField(Standing.values)
    publishers = serializers.ListField(child=serializers.CharField(), help_text="Index user names.")
    trusted_publishers = TrustedPublisherSerializer(many=True)
    former_names = serializers.ListField(
        child=serializers.CharField(), help_text="It is meant by these too; nobody else ever gets one of them."
    )


class SnapshotSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    grants = GrantEntrySerializer(many=True)
    organizations = OrganizationEntrySerializer(many=True)


class ChangeSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    kind = serializers.ChoiceField(Change.Kind.values)
    name = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField()
    value = serializers.JSONField(
        allow_null=True, help_text="What it is now, as in the snapshot; null when it is no more."
    )


class ChangesSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField(help_text="Ask for what comes after this one next.")
    more = serializers.BooleanField(help_text="Whether there is more already.")
    changes = ChangeSerializer(many=True)


class ChangesQuerySerializer(serializers.Serializer[Any]):
    after = serializers.IntegerField(min_value=0, max_value=2**63 - 1)
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=500)
    wait = serializers.IntegerField(
        min_value=0, max_value=25, default=0, help_text="Seconds to wait for a change when there is none yet."
    )


class UsageReceiptSerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    projects = serializers.IntegerField(help_text="How many were reported.")
