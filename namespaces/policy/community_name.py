"""Whether the name of a community project could be mistaken for another's. Pure.

Looked at are its name and what it is shown as. To have proved a domain or a place that is called like a well-known name
with a letter changed proves nothing; only who proves the well-known name itself is let pass.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from namespaces.policy import relations
from namespaces.policy.application_inputs import ApplicationInputs
from namespaces.policy.community_criteria import failed, passed, unknown
from namespaces.policy.evaluation import CommunityKey, Criterion
from namespaces.policy.inputs import Likeness, NearName, Source, Whose
from namespaces.policy.relations import Relation
from namespaces.policy.thresholds import CommunityThresholds
from namespaces.policy.words import Reserved

KEY = CommunityKey.NAME
SHOWN = 3


def name(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Criterion:
    claim = inputs.name
    if mixed := _mixed_letters(inputs.applicant.display_name):
        evidence = _("“%(text)s” mixes letters of different scripts, which look alike.") % {"text": mixed}
        return unknown(KEY, evidence, _("Write the display name in letters of one script."))
    if claim.reserved:
        reason = Reserved(claim.reserved).label if claim.reserved in Reserved.values else claim.reserved
        evidence = _("Its name is on the list of reserved words: %(reason)s.") % {"reason": reason}
        return failed(KEY, evidence, _("Choose a name that says whose project it is, or tell a reviewer."))
    if other := next((holding for holding in claim.holdings if not holding.mine), None):
        words = {"name": other.name, "owner": other.owner}
        evidence = _("The namespace “%(name)s” is held by %(owner)s.") % words
        return failed(KEY, evidence, _("Choose another name, or tell a reviewer why it is yours."))
    if claim.projects.namesake in {Whose.OTHER, Whose.UNKNOWN}:
        evidence = _("The project called “%(name)s” on the index is not known to be yours.") % {"name": claim.prefix}
        return failed(KEY, evidence, _("Link the user name that owns it on the index, or tell a reviewer."))
    close = list(confusable(inputs, thresholds))
    if not close:
        return passed(KEY, _("Nothing granted or well-known is called like it."))
    return failed(KEY, " ".join(map(_in_words, close[:SHOWN])), _("Choose another name, or tell a reviewer its story."))


def confusable(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Iterable[NearName]:
    """The names that are too like its own, each once."""
    seen: set[str] = set()
    for near in (*inputs.name.near, *inputs.shown):
        if near.name not in seen and not near.mine and not _is_let_pass(near, inputs, thresholds):
            seen.add(near.name)
            yield near


def _is_let_pass(near: NearName, inputs: ApplicationInputs, thresholds: CommunityThresholds) -> bool:
    if near.likeness is Likeness.CONTAINED and (
        _is_everybodys(near, inputs, thresholds) or _has_a_past(inputs, thresholds)
    ):
        return True
    if is_big(near, thresholds):
        return False
    return near.likeness is Likeness.CONTAINED or _is_proved(near, inputs) or _has_a_past(inputs, thresholds)


def is_big(near: NearName, thresholds: CommunityThresholds) -> bool:
    """A brand, or somebody's namespace: no proof of one's own stands against it."""
    popular = near.projects >= thresholds.brand_projects or (near.downloads or 0) >= thresholds.brand_downloads
    return near.source is Source.GRANT or popular


def _is_everybodys(near: NearName, inputs: ApplicationInputs, thresholds: CommunityThresholds) -> bool:
    uses = [use for use in inputs.name.words if use.part == near.name and not use.words]
    return any(use.projects >= thresholds.generic_word for use in uses)


def _has_a_past(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> bool:
    """The project of its name on the index has been its own, and nobody else's are beside it."""
    projects, days = inputs.name.projects, thresholds.established_days
    old = projects.own_first is not None and (inputs.on - projects.own_first).days >= days
    return old and projects.namesake is Whose.APPLICANT and projects.others == 0


def _is_proved(near: NearName, inputs: ApplicationInputs) -> bool:
    found = relations.counting(inputs.applicant, relations.DOMAIN_PROOFS)
    return relations.best(near.name, found)[0] is Relation.EXACT


def _mixed_letters(text: str) -> str:
    """What could pass for Latin letters and is not: a word that mixes them with such, or a text of nothing else."""
    mixed = next((word for word in text.split() if "LATIN" in (found := _scripts(word)) and found & _LIKE_LATIN), "")
    letters = [letter.lower() for letter in text if letter.isalpha()]
    is_disguise = bool(letters) and all(letter in _DOUBLES for letter in letters)
    return mixed or (text if is_disguise else "")


def _scripts(word: str) -> set[str]:
    return {unicodedata.name(letter, "").split(" ")[0] for letter in word if letter.isalpha()}


_LIKE_LATIN = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "LISU"})
_DOUBLES = frozenset("асеорхуіјѕһԁԛԝӏкмтвнгпляαορνικτυωσ")


def _in_words(near: NearName) -> str:
    words = {"name": near.name, "owner": near.owner, "count": near.projects}
    kinds = {
        Likeness.FOLDED: _("It looks the same as “%(name)s”"),
        Likeness.SWAPPED: _("It is “%(name)s” with characters swapped"),
        Likeness.EDITED: _("It is nearly “%(name)s”"),
        Likeness.CONTAINED: _("It contains “%(name)s”"),
    }
    whose = (
        _("which %(owner)s holds.")
        if near.source is Source.GRANT
        else ngettext(
            "under which there is %(count)d project.", "under which there are %(count)d projects.", near.projects
        )
    )
    return f"{kinds[near.likeness] % words}, {whose % words}"
