"""Looking again at what waits, when something has changed that the policy asks about.

Somebody proves something, or the index says whose a project is, and what a person was to look at may be clear by now.
The look comes after the commit, in a worker, for it takes locks of its own. Should the broker not answer, the sweep
comes round within the hour.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial

from celery import current_app
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone

from freehold.errors import DomainError
from namespaces.cases import CaseKind, CaseState
from namespaces.models import Case, CaseEvaluation, CaseQuerySet
from namespaces.services.claims import look_again
from orgs.actors import Actor
from orgs.models import Organization, Proof

logger = logging.getLogger(__name__)

LOOK_TASK = "namespaces.look_again"
EVERY = timedelta(days=1)
"""How old the last look at a waiting case becomes: projects come in, domains come of age, others withdraw."""

MOST = 300
_KINDS = (CaseKind.CLAIM, CaseKind.APPLICATION)


def look_later(actor: Actor, proof: Proof) -> None:
    """Something is proved: have what waits looked at (``orgs.hooks.on_proof_verified``)."""
    _look_later(proof.organization_id)


def look_later_for(owner: str) -> None:
    """The index says that a project is this owner's, who may be an organization with something that waits."""
    for organization in Organization.objects.filter(name=owner, cases__state=CaseState.WAITING).distinct():
        _look_later(organization.pk)


def _look_later(organization: int) -> None:
    if _waiting().filter(organization=organization).exists():
        transaction.on_commit(partial(_wake_the_worker, organization), robust=True)


def _wake_the_worker(organization: int) -> None:
    current_app.send_task(LOOK_TASK, args=[organization], retry=False, expires=3600, ignore_result=True)


def look_at(organization: int) -> int:
    """Evaluate anew what waits of the organization; how much of it was approved."""
    return _look_at_each(_waiting().filter(organization=organization).order_by("pk"))


def sweep_looks() -> int:
    """Evaluate anew what has waited for a day since it was looked at, and what something was proved for since."""
    verified = Proof.objects.filter(organization=OuterRef("organization"), verified_at__gt=OuterRef("last"))
    last = CaseEvaluation.objects.filter(case=OuterRef("pk")).order_by("-at").values("at")[:1]
    cases = _waiting().annotate(last=Subquery(last))
    due = cases.filter(Q(last__isnull=True) | Q(last__lt=timezone.now() - EVERY) | Exists(verified))
    return _look_at_each(due.order_by(F("last").asc(nulls_first=True), "pk")[:MOST])


def _waiting() -> CaseQuerySet:
    return Case.objects.filter(kind__in=_KINDS, state=CaseState.WAITING)


def _look_at_each(cases: CaseQuerySet) -> int:
    return sum(_look_at(case) for case in list(cases))


def _look_at(case: Case) -> bool:
    """One that fails is logged, and keeps none of the others from their turn."""
    try:
        return look_again(actor=Actor.worker(), case=case).state == CaseState.APPROVED
    except DomainError:  # it was decided meanwhile
        return False
    except Exception:
        logger.exception("Case %s could not be looked at again", case.pk)
        return False
