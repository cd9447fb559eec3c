"""``…/transfers``: namespaces on offer, by the organization and to it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.schema import problems
from namespaces.api.manage import HeldSerializer, HeldView, shown
from namespaces.models import Transfer
from namespaces.names import MAX_LENGTH
from namespaces.services.transfers import NoSuchTransfer, accept_transfer, end_transfer, offer_transfer
from orgs.api.fields import CursorSerializer, TextField
from orgs.api.lookups import other_organization
from orgs.models import Organization
from orgs.vocabulary import Permission


class TransferSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    namespace = serializers.CharField(source="grant.name")
    by = serializers.CharField(source="grant.owner.name")
    to = serializers.CharField(source="to.name")
    offered_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class TransferListSerializer(serializers.Serializer[Any]):
    results = TransferSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class OfferInputSerializer(serializers.Serializer[Any]):
    namespace = TextField(max_length=MAX_LENGTH, help_text="A root that the organization owns.")
    to = TextField(max_length=100, help_text="The name of the organization that may accept it.")


def open_transfers(organization: Organization) -> QuerySet[Transfer]:
    """The offers that are open, by the organization or to it."""
    concerned = Transfer.objects.filter(Q(grant__owner=organization) | Q(to=organization))
    return concerned.filter(expires_at__gt=timezone.now()).select_related("grant__owner", "to")


def offer_of(organization: Organization, number: int) -> Transfer:
    """An offer that concerns this organization; raises ``NoSuchTransfer``."""
    found = open_transfers(organization).filter(pk=number).first()
    if found is None:
        raise NoSuchTransfer("There is no such offer.")
    return found


class TransfersView(HeldView):
    permissions = {"GET": Permission.VIEW, "POST": Permission.MANAGE_NAMESPACES}

    @extend_schema(
        operation_id="list_transfers",
        parameters=[CursorSerializer],
        responses={200: TransferListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """The offers that are open: those that the organization made, and those that were made to it."""
        return self.listed(open_transfers(self.organization), lambda offer: dict(TransferSerializer(offer).data))

    @extend_schema(
        operation_id="offer_transfer",
        request=OfferInputSerializer,
        examples=[OpenApiExample("An offer", {"namespace": "acme", "to": "umbrella"}, request_only=True)],
        responses={201: TransferSerializer} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def post(self, request: Request, name: str) -> Response:
        """Offer a namespace, with all that stands under it; nothing moves until an owner there accepts."""
        given = self.given(OfferInputSerializer)
        grant = self.own(given["namespace"])
        offer = offer_transfer(actor=self.actor, grant=grant, to=other_organization(given["to"]))
        return Response(TransferSerializer(offer).data, status=201)


class TransferView(HeldView):
    permissions = {"DELETE": Permission.MANAGE_NAMESPACES}

    @extend_schema(operation_id="end_transfer", responses={204: None} | problems(401, 403, 404))
    def delete(self, request: Request, name: str, transfer: int) -> Response:
        """Withdraw an offer that the organization made, or decline one that was made to it."""
        end_transfer(actor=self.actor, offer=offer_of(self.organization, transfer))
        return Response(status=204)


class AcceptTransferView(HeldView):
    permissions = {"POST": Permission.MANAGE_NAMESPACES}

    @extend_schema(
        operation_id="accept_transfer", request=None, responses={200: HeldSerializer} | problems(401, 403, 404, 409)
    )
    def post(self, request: Request, name: str, transfer: int) -> Response:
        """Take what was offered to the organization."""
        offer = offer_of(self.organization, transfer)
        return Response(shown(accept_transfer(actor=self.actor, offer=offer)))
