"""The check as it is usually written: Django REST framework, a serializer, the ORM.

Honest and idiomatic: related rows come by ``select_related`` and ``prefetch_related``, nothing is asked for twice, and
what an unreserved name does not need is not asked for at all. The decision is Freehold's own, so that the answers are
the same; that they are is checked before each run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch, Q
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from namespaces.api.answers import as_json
from namespaces.api.serializers import DecisionSerializer
from namespaces.decision import Facts, Holding, Publisher, Question, decide
from namespaces.models import Grant, Project, Revision, Share, TeamGrant
from namespaces.names import InvalidName, normalize
from namespaces.recorder import record_denial
from namespaces.states import GrantState
from orgs.api.permissions import CanCheck
from orgs.models import Membership, Organization, TrustedPublisher
from orgs.vocabulary import PUBLISHING_ROLES, Standing, State


class PublisherSerializer(serializers.Serializer[Any]):
    user = serializers.CharField(max_length=1000, required=False, allow_null=True)
    organization = serializers.CharField(max_length=1000, required=False, allow_null=True)
    claims = serializers.DictField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not any(value is not None for value in attrs.values()):
            raise serializers.ValidationError("At least one of user, organization and claims is needed.")
        return attrs


class UsualQuestionSerializer(serializers.Serializer[Any]):
    project = serializers.CharField(max_length=200)
    publisher = PublisherSerializer()
    first_uploaded = serializers.DateTimeField(required=False, allow_null=True)

    def validate_project(self, value: str) -> str:
        try:
            return normalize(value)
        except InvalidName as error:
            raise serializers.ValidationError(str(error)) from error


class UsualCheck(APIView):
    permission_classes = (CanCheck,)

    def post(self, request: Request) -> Response:
        serializer = UsualQuestionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        question = _question(serializer.validated_data)
        decision = decide(question, _facts(question))
        if not decision.allowed:
            record_denial(decision, question.publisher)
        return Response(DecisionSerializer(as_json(decision)).data)


def _question(data: dict[str, Any]) -> Question:
    return Question(
        project=data["project"],
        publisher=Publisher(**data["publisher"]),
        first_uploaded=data.get("first_uploaded"),
        ask_mirror="first_uploaded" not in data,
    )


def _facts(question: Question) -> Facts:
    project = Project.objects.filter(name=question.project).first()
    grants = list(_grants(question.project))
    return Facts(
        now=timezone.now(),
        revision=Revision.objects.values_list("value", flat=True).first() or 0,
        holdings=tuple(_holdings(question.publisher, grants)) if grants else (),
        mirrored_owner=project.owner if project else None,
        mirrored_first_uploaded=project.first_uploaded if project else None,
    )


def _grants(project: str) -> Iterable[Grant]:
    current = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    shares = Prefetch("shares", Share.objects.filter(current).select_related("organization"))
    return (
        Grant.objects.filter(state__in=[GrantState.ACTIVE, GrantState.LOCKED, GrantState.QUARANTINED])
        .covering(project)
        .select_related("owner")
        .prefetch_related(shares)
    )


def _holdings(publisher: Publisher, grants: list[Grant]) -> Iterable[Holding]:
    holders = [(g, o) for g in grants for o in [g.owner, *(share.organization for share in g.shares.all())]]
    ids = {organization.pk for _, organization in holders}
    memberships = _memberships(publisher.user, ids) if publisher.user else {}
    rights = _team_rights(memberships, grants)
    trusted = _trusted(publisher.claims["iss"], ids) if publisher.claims else {}
    for grant, organization in holders:
        membership = memberships.get(organization.pk)
        publishes = membership is not None and (
            membership.role in PUBLISHING_ROLES or (membership.pk, grant.pk) in rights
        )
        yield _holding(grant, organization, publishes, tuple(trusted.get(organization.pk, ())))


def _memberships(user: str, organizations: set[int]) -> dict[int, Membership]:
    found = Membership.objects.filter(
        user__index_username=user.lower(), user__is_active=True, organization__in=organizations
    )
    return {membership.organization_id: membership for membership in found}


def _team_rights(memberships: dict[int, Membership], grants: list[Grant]) -> set[tuple[int, int]]:
    if not memberships:
        return set()
    found = TeamGrant.objects.filter(grant__in=grants, team__members__in=list(memberships.values()))
    return set(found.values_list("team__members", "grant"))


def _trusted(issuer: str, organizations: set[int]) -> dict[int, list[dict[str, str]]]:
    found: dict[int, list[dict[str, str]]] = {}
    for publisher in TrustedPublisher.objects.filter(issuer=issuer, organization__in=organizations):
        found.setdefault(publisher.organization_id, []).append(publisher.claims)
    return found


def _holding(grant: Grant, organization: Organization, publishes: bool, trusted: tuple[dict[str, str], ...]) -> Holding:
    assert grant.effective_at is not None
    return Holding(
        namespace=grant.name,
        grant_state=GrantState(grant.state),
        effective_at=grant.effective_at,
        organization=organization.name,
        organization_state=State(organization.state),
        standing=Standing(organization.standing),
        user_publishes=publishes,
        trusted=trusted,
    )
