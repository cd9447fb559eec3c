"""Organizations by the names they had: a former name leads to the organization for ever, wherever an index uses it.

In checks it is looked up only where it can matter, so that the others stay one statement (``namespaces.facts``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db import connection
from django.db.models import F

from namespaces.decision import Decision, Facts, Question, decide
from namespaces.names import is_valid
from namespaces.owners import USER_PREFIX
from orgs.models import OrganizationName


def present_names(names: Iterable[str]) -> dict[str, str]:
    """The names that organizations have now, by those of the given ones that they had before."""
    wanted = {name for name in names if is_valid(name)}
    if not wanted:
        return {}
    former = OrganizationName.objects.filter(name__in=wanted).exclude(name=F("organization__name"))
    return dict(former.filter(organization__isnull=False).values_list("name", "organization__name"))


# Waits for a renaming that is under way, and lets none begin before the caller's transaction has ended.
_HELD = """
SELECT o.name FROM orgs_organizationname n JOIN orgs_organization o ON o.id = n.organization_id
 WHERE n.name = %s FOR KEY SHARE OF o
"""


def present_owner(owner: str) -> str:
    """The owner of a project by its present name, which stays so until the transaction ends."""
    if not owner or owner.startswith(USER_PREFIX):
        return owner
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [owner])
        found = cursor.fetchone()
    return owner if found is None else str(found[0])


def judge(questions: Sequence[Question], facts: Sequence[Facts]) -> list[Decision]:
    """The decision on each question; an organization that is named as it was called before counts as what it is now."""
    decisions = [decide(question, known) for question, known in zip(questions, facts, strict=True)]
    doubtful = [place for place, d in enumerate(decisions) if _may_be_former(questions[place], facts[place], d)]
    present = present_names(str(questions[place].publisher.organization) for place in doubtful) if doubtful else {}
    for place in doubtful:
        question = questions[place]
        name = present.get(str(question.publisher.organization))
        if name is not None:
            publisher = replace(question.publisher, organization=name)
            decisions[place] = decide(replace(question, publisher=publisher), facts[place])
    return decisions


def _may_be_former(question: Question, facts: Facts, decision: Decision) -> bool:
    """Whether the publisher names an organization that holds nothing here, and another name could change the answer:
    a refusal, or which of several holders it is."""
    named = question.publisher.organization
    if named is None or (decision.allowed and not decision.candidates):
        return False
    return all(holding.organization != named for holding in facts.holdings)
