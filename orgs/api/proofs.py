"""``…/proofs``: what the organization proves about itself."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.schema import problems
from orgs.api.base import OrganizationView
from orgs.api.fields import CursorSerializer, TextField, WordField
from orgs.api.lookups import proof_of
from orgs.models import Proof
from orgs.proofs import records
from orgs.proofs.observations import Finding
from orgs.services.proof_checks import check_proof_now
from orgs.services.proofs import add_proof, remove_proof
from orgs.vocabulary import Permission, ProofKind, ProofState


class PublishSerializer(serializers.Serializer[Any]):
    where = serializers.CharField(help_text="The name of a TXT record, or an address.")
    value = serializers.CharField()


class ProofSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(ProofKind.choices)
    subject = serializers.CharField(help_text="What is proved, such as a domain.")
    state = serializers.ChoiceField(ProofState.choices)
    publish = PublishSerializer(allow_null=True, help_text="What has to be found where; null for kinds without.")
    flag = serializers.CharField(allow_blank=True, help_text="Why a person should look, or empty.")
    created_at = serializers.DateTimeField()
    verified_at = serializers.DateTimeField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)


class ProofListSerializer(serializers.Serializer[Any]):
    results = ProofSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class ProofInputSerializer(serializers.Serializer[Any]):
    kind = WordField(ProofKind.choices)
    subject = TextField(
        max_length=300,
        help_text="A domain; for `email_domain` an address at it; the page of an account on a forge; a prefix of "
        "project names; the name of a sponsor.",
    )


class CheckSerializer(serializers.Serializer[Any]):
    finding = serializers.ChoiceField([finding.value for finding in Finding])
    summary = serializers.CharField(help_text="What was seen, in words.")
    expected = serializers.CharField(allow_blank=True)
    found = serializers.ListField(child=serializers.CharField(), help_text="What is there instead, or beside it.")
    advice = serializers.ListField(child=serializers.CharField())
    proof = ProofSerializer()


def shown(proof: Proof) -> dict[str, Any]:
    """The proof as JSON. The code that was mailed for an e-mail domain stays in that mail."""
    fields = ("kind", "subject", "state", "flag", "created_at", "verified_at", "checked_at", "failing_since")
    row = {"id": proof.pk, "publish": _publish(proof)} | {name: getattr(proof, name) for name in fields}
    return dict(ProofSerializer(row).data)


def _publish(proof: Proof) -> dict[str, str] | None:
    where = {
        ProofKind.DNS: records.record_name(proof.subject),
        ProofKind.HTTPS: records.file_url(proof.subject),
        ProofKind.FORGE: proof.subject,
    }.get(ProofKind(proof.kind))
    return {"where": where, "value": records.text_of(proof.challenge)} if where else None


class ProofsView(OrganizationView):
    tag = "proofs"
    permissions = {"GET": Permission.VIEW, "POST": Permission.MANAGE_PEOPLE}

    @extend_schema(
        operation_id="list_proofs",
        parameters=[CursorSerializer],
        responses={200: ProofListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """The proofs of the organization, with what has to be published for them."""
        return self.listed(self.organization.proofs.all(), shown)

    @extend_schema(
        operation_id="add_proof",
        request=ProofInputSerializer,
        examples=[OpenApiExample("A domain", {"kind": "dns", "subject": "acme.example"}, request_only=True)],
        responses={201: ProofSerializer} | problems(400, 401, 403, 404, 409, 413, 415, 429),
    )
    def post(self, request: Request, name: str) -> Response:
        """Begin to prove something; `publish` in the answer says what has to be found where."""
        given = self.given(ProofInputSerializer)
        kind, subject = ProofKind(given["kind"]), given["subject"]
        proof = add_proof(actor=self.actor, organization=self.organization, kind=kind, subject=subject)
        return Response(shown(proof), status=201)


class ProofView(OrganizationView):
    tag = "proofs"
    permissions = {"GET": Permission.VIEW, "DELETE": Permission.MANAGE_PEOPLE}

    @extend_schema(operation_id="get_proof", responses={200: ProofSerializer} | problems(401, 403, 404))
    def get(self, request: Request, name: str, proof: int) -> Response:
        return Response(shown(proof_of(self.organization, proof)))

    @extend_schema(operation_id="remove_proof", responses={204: None} | problems(401, 403, 404, 409))
    def delete(self, request: Request, name: str, proof: int) -> Response:
        """Take it away, with what it proved."""
        remove_proof(actor=self.actor, proof=proof_of(self.organization, proof))
        return Response(status=204)


class CheckProofView(OrganizationView):
    tag = "proofs"
    permissions = {"POST": Permission.MANAGE_PEOPLE}

    @extend_schema(
        operation_id="check_proof",
        request=None,
        responses={200: CheckSerializer} | problems(401, 403, 404, 409, 429),
    )
    def post(self, request: Request, name: str, proof: int) -> Response:
        """Look at once, and say what was seen. At most once in five seconds for each proof."""
        found = proof_of(self.organization, proof)
        seen = check_proof_now(actor=self.actor, proof=found)
        told = {"summary": seen.summary, "expected": seen.expected, "found": list(seen.found), "advice": seen.advice}
        now = shown(proof_of(self.organization, proof))
        return Response({"finding": seen.finding.value, **told, "proof": now})
