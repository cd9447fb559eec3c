"""How a prefix and the name that something proves are related. Pure.

Only separators are overlooked here, never what looks alike: who has proved ``opentelernetry.example`` has not proved to
be ``opentelemetry``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from urllib.parse import urlsplit

from namespaces.policy.inputs import Applicant, ProofFact
from orgs.proofs import suffixes
from orgs.vocabulary import ProofKind, ProofState

DOMAIN_PROOFS = frozenset({ProofKind.DNS, ProofKind.HTTPS, ProofKind.EMAIL_DOMAIN})
NAMING_PROOFS = DOMAIN_PROOFS | {ProofKind.FORGE}
COMMUNITY_PROOFS = NAMING_PROOFS | {ProofKind.VOUCH}
COUNTING = frozenset({ProofState.VERIFIED, ProofState.FAILING})

# What organizations put before or after their name where the bare name was gone.
_AFFIXES = re.compile(
    r"^(?:get|try|use|join|go|with|the|team)|(?:hq|app|io|ai|dev|inc|labs?|co|corp|gmbh|ltd|llc|py|python|software|tech"
    r"|oss|org|project|foundation|community)$"
)


class Relation(IntEnum):
    """How well the name says the prefix; the greater, the better."""

    NONE = 0
    AFFIXED = 1
    """Equal but for a usual addition, as ``getacme`` and ``acme-labs``."""
    EXACT = 2


def relate(prefix: str, name: str) -> Relation:
    """The relation of a normalized prefix to a name in any spelling."""
    wanted, given = _bare(prefix), _bare(name)
    if not wanted or not given:
        return Relation.NONE
    if wanted == given:
        return Relation.EXACT
    cores = _cores(given)
    return Relation.AFFIXED if len(wanted) > 3 and wanted in cores else _extended(prefix, given, cores)


def _extended(prefix: str, given: str, cores: set[str]) -> Relation:
    """``acme-anvils`` of ``acme``: the beginning of the prefix, up to a hyphen, is the whole name."""
    parts = prefix.split("-")
    beginnings = {"".join(parts[:count]) for count in range(1, len(parts))}
    return Relation.AFFIXED if given in beginnings or (cores & {b for b in beginnings if len(b) > 3}) else Relation.NONE


def _cores(given: str) -> set[str]:
    """The name without one usual addition, before or after."""
    return {
        given[match.end() :] if match.start() == 0 else given[: match.start()] for match in _AFFIXES.finditer(given)
    }


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def names_of(proof: ProofFact) -> list[str]:
    """The names that a proof stands for: of a domain the registered label, and it with its ending."""
    if proof.kind in DOMAIN_PROOFS:
        return _names_of_domain(proof.subject)
    if proof.kind == ProofKind.FORGE:
        return [_path_of(proof.subject).rstrip("/").rpartition("/")[2]]
    return []


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _names_of_domain(domain: str) -> list[str]:
    labels = domain.split(".")
    ending = 2 if ".".join(labels[-2:]) in suffixes.PUBLIC else 1
    registered = labels[-ending - 1 :]
    return [registered[0], "".join(registered)] if len(registered) > ending else []


def counting(applicant: Applicant, kinds: Iterable[ProofKind]) -> list[ProofFact]:
    """The applicant's proofs of these kinds that count and that no person need look at."""
    wanted = frozenset(kinds)
    return [proof for proof in applicant.proofs if proof.kind in wanted and proof.state in COUNTING and not proof.flag]


def doubtful(applicant: Applicant, kinds: Iterable[ProofKind]) -> list[ProofFact]:
    """Those of these kinds that count but that a person should look at."""
    wanted = frozenset(kinds)
    return [proof for proof in applicant.proofs if proof.kind in wanted and proof.state in COUNTING and proof.flag]


def best(prefix: str, proofs: Iterable[ProofFact]) -> tuple[Relation, ProofFact | None]:
    """The proof that says the prefix best, and how well."""
    found = [(relate(prefix, name), proof) for proof in proofs for name in names_of(proof)]
    return max(found, key=lambda pair: pair[0], default=(Relation.NONE, None))
