"""Looking at proofs on schedule: ids first, then one by one, each claimed and judged anew.

The worker that does this also sends mail, so a run ends after some seconds whatever is left.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from orgs import selectors_proofs
from orgs.actors import Actor
from orgs.models import Proof
from orgs.services.proof_checks import note_registration, recheck_proof

logger = logging.getLogger(__name__)

MOST = 200
RUN_SECONDS = 15.0
REGISTRATION_AGE = timedelta(days=7)


def sweep_proofs() -> int:
    """Look at what is due; how many were looked at."""
    return _sweep(selectors_proofs.due_proofs(MOST), lambda proof: recheck_proof(actor=Actor.worker(), proof=proof))


def sweep_registrations() -> int:
    """Ask about the domains that were not asked about for a week; how many were."""
    ids = selectors_proofs.unasked_registrations(REGISTRATION_AGE, MOST)
    return _sweep(ids, _ask)


def _ask(proof: Proof) -> bool:
    note_registration(actor=Actor.worker(), proof=proof)
    return True


def _sweep(ids: list[int], act: Callable[[Proof], bool]) -> int:
    """One that fails is logged, and keeps none of the others from their turn."""
    end, done = time.monotonic() + RUN_SECONDS, 0
    for pk in ids:
        if time.monotonic() > end:
            break
        proof = Proof.objects.select_related("organization").filter(pk=pk).first()
        try:
            done += proof is not None and act(proof)
        except Exception:
            logger.exception("Proof %s could not be looked at", pk)
    return done
