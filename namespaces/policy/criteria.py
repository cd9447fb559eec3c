"""The criteria on a claim: each looks at the inputs and says ``pass``, ``fail`` or ``unknown``, and why. Pure.

PEP 755's five (longer than three characters, not common, identifies the applicant, in use, harm if not reserved), and
those of DESIGN section 8. What could be measured but was not is never a pass.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from namespaces.policy import relations
from namespaces.policy.evaluation import Criterion, Key, Result
from namespaces.policy.inputs import ClaimInputs, Holding, Likeness, NearName, Projects, ProofFact, Source, Whose
from namespaces.policy.relations import Relation
from namespaces.policy.thresholds import Thresholds
from namespaces.policy.words import Reserved, is_common
from namespaces.states import GrantState
from orgs.vocabulary import Kind, ProofKind, Standing, State

Rule = Callable[[ClaimInputs, Thresholds], Criterion]


def _passed(key: Key, evidence: str) -> Criterion:
    return Criterion(key=key, result=Result.PASS, evidence=evidence)


def _failed(key: Key, evidence: str, remedy: str = "") -> Criterion:
    return Criterion(key=key, result=Result.FAIL, evidence=evidence, remedy=remedy)


def _unknown(key: Key, evidence: str, remedy: str = "") -> Criterion:
    return Criterion(key=key, result=Result.UNKNOWN, evidence=evidence, remedy=remedy)


# --- What the applicant is ------------------------------------------------------------------------------------------


def available(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    if inputs.depth > inputs.hyphens_allowed:
        words = {"count": inputs.depth, "most": inputs.hyphens_allowed}
        return _failed(
            Key.AVAILABLE,
            _("The prefix has %(count)d hyphens; a namespace has at most %(most)d.") % words,
            _("Claim a shorter prefix around it."),
        )
    other = next((holding for holding in inputs.holdings if not holding.mine), None)
    return _available_beside_own(inputs) if other is None else _overlapping(other)


def _overlapping(holding: Holding) -> Criterion:
    words = {"name": holding.name, "owner": holding.owner, "state": holding.state.label}
    return _failed(
        Key.AVAILABLE,
        _("It overlaps with “%(name)s”, which %(owner)s holds (%(state)s).") % words,
        _("Ask its holder for a share or a transfer, or claim another prefix."),
    )


def _available_beside_own(inputs: ClaimInputs) -> Criterion:
    same = next((holding for holding in inputs.holdings if holding.name == inputs.prefix), None)
    if same is None and inputs.contenders:
        text = ngettext(
            "%(count)d other organization claims it too, or a name that overlaps with it.",
            "%(count)d other organizations claim it too, or names that overlap with it.",
            inputs.contenders,
        )
        remedy = _("A reviewer compares the claims and says why one is better founded.")
        return _unknown(Key.AVAILABLE, text % {"count": inputs.contenders}, remedy)
    if same is None:
        return _passed(Key.AVAILABLE, _("Nobody else holds it, anything above it or anything inside it."))
    if same.state is GrantState.QUARANTINED:
        return _passed(Key.AVAILABLE, _("The organization gave it up and may take it back."))
    return _failed(Key.AVAILABLE, _("The organization holds it already."), _("There is nothing left to claim."))


def standing(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    applicant = inputs.applicant
    words = {"state": applicant.state.label, "standing": applicant.standing.label}
    if applicant.state in {State.SUSPENDED, State.CLOSED} or applicant.standing is Standing.LAPSED:
        evidence = _("The organization is not in good standing (%(state)s, %(standing)s).") % words
        return _failed(Key.STANDING, evidence, _("Settle what is open, then claim again."))
    if applicant.standing is not Standing.GOOD:
        return _unknown(Key.STANDING, _("A payment is overdue."), _("Pay what is open."))
    if applicant.state is State.ACTIVE:
        return _passed(Key.STANDING, _("The organization is active and in good standing."))
    if applicant.kind is Kind.COMPANY:
        return _passed(Key.STANDING, _("The company becomes active with its first payment, and holds nothing before."))
    return _unknown(
        Key.STANDING,
        _("The community project has not been verified yet."),
        _("Apply for the free organization; both can be decided together."),
    )


def proofs(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    """A company is its domain; a community project may be its place on a forge."""
    applicant = inputs.applicant
    kinds = relations.DOMAIN_PROOFS if applicant.kind is Kind.COMPANY else relations.COMMUNITY_PROOFS
    found = relations.counting(applicant, kinds)
    if found and all(_is_young(proof, inputs, thresholds) for proof in found):
        evidence = _("The domain %(subject)s was registered only lately.") % {"subject": found[0].subject}
        return _unknown(Key.PROOFS, evidence, _("Prove one that you have had for longer, or wait for a reviewer."))
    if found:
        subjects = ", ".join(sorted({proof.subject for proof in found}))
        return _passed(Key.PROOFS, _("Proved by the organization: %(subjects)s.") % {"subjects": subjects})
    if flagged := relations.doubtful(applicant, kinds):
        return _unknown(
            Key.PROOFS,
            _("The proof of %(subject)s counts, but a person has to look at it first.")
            % {"subject": flagged[0].subject},
            _("Prove another domain, or wait for the look."),
        )
    remedy = (
        _("Prove a domain of the company.")
        if applicant.kind is Kind.COMPANY
        else _("Prove the project's domain or its organization on a code forge.")
    )
    return _failed(Key.PROOFS, _("Nothing proves yet who the organization is."), remedy)


def _is_young(proof: ProofFact, inputs: ClaimInputs, thresholds: Thresholds) -> bool:
    return proof.registered is not None and (inputs.on - proof.registered).days < thresholds.domain_days


def identifies(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    """A domain costs something and is one's own; a place on a forge can be had by anybody, so it needs a past."""
    known = _days_there(inputs) >= thresholds.forge_days
    kinds = relations.NAMING_PROOFS if known else relations.DOMAIN_PROOFS
    relation, proof = relations.best(inputs.prefix, relations.counting(inputs.applicant, kinds))
    if proof is not None and relation is Relation.EXACT:
        return _passed(Key.IDENTIFIES, _("%(subject)s has the very name.") % {"subject": proof.subject})
    if proof is not None and relation is Relation.AFFIXED:
        return _passed(
            Key.IDENTIFIES, _("%(subject)s has the name, with a usual addition.") % {"subject": proof.subject}
        )
    if is_established(inputs, thresholds):
        return _passed(Key.IDENTIFIES, _("The applicant has published most of what is under it, and for long."))
    return _identified_by_word_alone(inputs)


def _identified_by_word_alone(inputs: ClaimInputs) -> Criterion:
    applicant = inputs.applicant
    if relations.best(inputs.prefix, relations.counting(applicant, [ProofKind.FORGE]))[0] is not Relation.NONE:
        return _unknown(
            Key.IDENTIFIES,
            _("Its place on a code forge has the name, but the applicant has not published under it for long."),
            _("Prove a domain of that name, or have the index say which older projects are yours."),
        )
    remedy = _("Prove a domain, or an organization on a code forge, that is called “%(prefix)s”.") % {
        "prefix": inputs.prefix
    }
    chosen = max(relations.relate(inputs.prefix, name) for name in (applicant.name, applicant.display_name))
    if chosen is not Relation.NONE:
        evidence = _("The organization calls itself so, which nothing proves yet.")
        return _unknown(Key.IDENTIFIES, evidence, remedy)
    return _failed(Key.IDENTIFIES, _("Nothing connects the organization with this name."), remedy)


def _days_there(inputs: ClaimInputs) -> int:
    """Days since the applicant's first upload under the prefix, -1 for none."""
    first = inputs.projects.own_first
    return -1 if first is None else (inputs.on - first).days


def is_established(inputs: ClaimInputs, thresholds: Thresholds) -> bool:
    """Whether the applicant has had several projects there for long, and most of them."""
    projects = inputs.projects
    old = projects.own_first is not None and _days_there(inputs) >= thresholds.established_days
    return old and projects.mine >= thresholds.established_projects and projects.mine > projects.others


# --- What the word is -----------------------------------------------------------------------------------------------


def length(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    count = len(inputs.prefix.replace("-", ""))
    if count >= thresholds.shortest:
        return _passed(Key.LENGTH, _("It has %(count)d characters.") % {"count": count})
    return _failed(
        Key.LENGTH,
        _("It has %(count)d characters; so short a name means many things to many people.") % {"count": count},
        _("Claim a longer prefix, or say why this one is yours."),
    )


def not_common(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    """Common in language, or in use by many who have nothing to do with one another."""
    owners = inputs.projects.outside_owners
    if owners >= thresholds.common_owners:
        return _failed(
            Key.COMMON,
            ngettext("%(count)d other publishes under it.", "%(count)d different others publish under it.", owners)
            % {"count": owners},
            _("Claim a narrower prefix that only your projects have."),
        )
    uses = inputs.words
    if uses and all(is_common(use, word=thresholds.common_word, compound=thresholds.common_compound) for use in uses):
        return _common_words(inputs)
    if inputs.projects.unknown >= thresholds.high_projects:
        evidence = _("Many projects are under it of which the index does not say whose they are.")
        return _unknown(Key.COMMON, evidence, _("Have the index say which of them are the organization's."))
    if not uses:
        evidence = _("How common the word is has not been measured.")
        return _unknown(Key.COMMON, evidence, _("Evaluate the claim again once it has been."))
    return _passed(Key.COMMON, _("It is no word in common use, and few others publish under it."))


def _common_words(inputs: ClaimInputs) -> Criterion:
    least = min(inputs.words, key=lambda use: use.projects)
    parts = [word for use in inputs.words for word in (use.words or (use.part,))]
    single = ngettext(
        "“%(part)s” is a common word: %(count)d project that is not called so describes itself with it.",
        "“%(part)s” is a common word: %(count)d projects that are not called so describe themselves with it.",
        least.projects,
    )
    several = _(
        "“%(part)s” is made of common words: at least %(count)d projects describe themselves with each of them."
    )
    words = {"part": " ".join(parts), "count": least.projects}
    evidence = (single if len(parts) == 1 else several) % words
    return _failed(Key.COMMON, evidence, _("Add what sets you apart, such as your organization's name."))


def not_reserved(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    if not inputs.reserved:
        return _passed(Key.RESERVED, _("It is not on the list of reserved words."))
    reason = Reserved(inputs.reserved).label if inputs.reserved in Reserved.values else inputs.reserved
    return _failed(
        Key.RESERVED,
        _("It is on the list of reserved words: %(reason)s.") % {"reason": reason},
        _("Claim a longer prefix that says whose it is."),
    )


# --- What it is used for --------------------------------------------------------------------------------------------


def in_use(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    """A name that nobody uses may be had before its first use by who has proved its domain."""
    mine = inputs.projects.mine
    if mine >= thresholds.projects_in_use:
        text = ngettext(
            "The applicant has %(count)d project under it.", "The applicant has %(count)d projects under it.", mine
        )
        return _passed(Key.IN_USE, text % {"count": mine})
    if inputs.projects.others == 0 and has_exact_domain(inputs):
        return _passed(Key.IN_USE, _("Nobody uses it yet, and the applicant has proved the domain of that name."))
    return _failed(
        Key.IN_USE,
        _("The applicant has no project under it."),
        _("Publish there first, or have the index say that your projects are the organization's."),
    )


def has_exact_domain(inputs: ClaimInputs) -> bool:
    found = relations.counting(inputs.applicant, relations.DOMAIN_PROOFS)
    return relations.best(inputs.prefix, found)[0] is not Relation.NONE


def harm(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    """What strangers could do with the name if it were not held: the more is there, the more can be abused."""
    projects = inputs.projects
    if projects.mine and projects.outside_recent:
        return _passed(Key.HARM, _("Others have begun projects under it lately, beside the applicant's."))
    if projects.mine >= thresholds.established_projects or projects.own_downloads:
        return _passed(Key.HARM, _("Users of the applicant's projects could be misled by others of that name."))
    relation, proof = relations.best(inputs.prefix, relations.counting(inputs.applicant, relations.NAMING_PROOFS))
    if proof is not None and relation is not Relation.NONE:
        evidence = _("Others could pass for %(subject)s.") % {"subject": proof.subject}
        return _passed(Key.HARM, evidence)
    return _unknown(
        Key.HARM, _("No harm is in sight that a reservation would prevent."), _("Say who could be misled, and how.")
    )


def outside(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    """Projects that go on, but whose owners get a holder above them."""
    projects = inputs.projects
    if projects.namesake in {Whose.OTHER, Whose.UNKNOWN}:
        return _failed(
            Key.OVERTAKEN,
            _("The project called “%(prefix)s” itself is not the applicant's.") % {"prefix": inputs.prefix},
            _("Have its owner transfer it on the index, or claim a longer prefix."),
        )
    if projects.others <= 0:
        return _passed(Key.OVERTAKEN, _("No project of others is under it."))
    found = _others_in_words(projects)
    if reason := _too_many(inputs, thresholds):
        return _failed(Key.OVERTAKEN, f"{found} {reason}", _("Claim a narrower prefix, or have them agree."))
    return _passed(Key.OVERTAKEN, f"{found} {_('The applicant was there before them.')}")


def _others_in_words(projects: Projects) -> str:
    text = ngettext(
        "%(count)d project of others is under it", "%(count)d projects of others are under it", projects.others
    )
    last = date_format(projects.outside_last, "DATE_FORMAT") if projects.outside_last else _("an unknown day")
    owners = ngettext("of %(owners)d known owner", "of %(owners)d known owners", projects.outside_owners)
    words = {"count": projects.others, "owners": projects.outside_owners, "last": last}
    shown = {"projects": text % words, "owners": owners % words, "last": last, "names": ", ".join(projects.examples)}
    if projects.examples:
        return _("%(projects)s, %(owners)s, the newest first uploaded on %(last)s: %(names)s.") % shown
    return _("%(projects)s, %(owners)s, the newest first uploaded on %(last)s.") % shown


def _too_many(inputs: ClaimInputs, thresholds: Thresholds) -> str:
    """Why a person has to weigh it, or nothing."""
    projects = inputs.projects
    percent = 100 * projects.others / max(1, projects.mine + projects.others)
    if projects.others > thresholds.outside_projects or projects.outside_owners > thresholds.outside_owners:
        return _("That is more than a machine may overtake.")
    if percent > thresholds.outside_percent:
        return _("That is too large a part of all.")
    if (projects.outside_downloads or 0) > thresholds.outside_downloads:
        return _("They are downloaded too often for that.")
    first, own = projects.outside_first, projects.own_first
    return "" if first and own and own <= first else _("Not all of them came after the applicant.")


def no_look_alike(inputs: ClaimInputs, thresholds: Thresholds) -> Criterion:
    found = [near for near in inputs.near if not near.mine and is_mistakable(near, inputs, thresholds)]
    if not found:
        return _passed(Key.LOOK_ALIKE, _("Nothing granted or popular is like it."))
    return _failed(
        Key.LOOK_ALIKE,
        " ".join(_likeness_in_words(near) for near in found[:3]),
        _("Claim a name that can't be mistaken for another, or explain to a reviewer what it stands for."),
    )


def is_mistakable(near: NearName, inputs: ClaimInputs, thresholds: Thresholds) -> bool:
    """Whether a person has to look at a name that is like the prefix."""
    if near.likeness is Likeness.CONTAINED:
        return _is_borrowed(near, inputs, thresholds)
    if near.source is Source.GRANT or not is_established(inputs, thresholds):
        return True
    projects = inputs.projects
    margin = thresholds.likeness_margin
    more_projects = near.projects > margin * projects.mine
    more_downloads = (near.downloads or 0) > margin * (projects.own_downloads or 0)
    return more_projects or more_downloads


def _is_borrowed(near: NearName, inputs: ClaimInputs, thresholds: Thresholds) -> bool:
    """A brand inside a prefix: not when it is a word for everybody, nor where the applicant has long had its own."""
    use = next((use for use in inputs.words if use.part == near.name), None)
    if use is not None and not use.words and use.projects >= thresholds.generic_word:
        return False
    big = near.projects >= thresholds.brand_projects or (near.downloads or 0) >= thresholds.brand_downloads
    if near.source is Source.POPULAR and not big:
        return False
    return near.source is Source.GRANT or not (is_established(inputs, thresholds) and inputs.projects.others == 0)


def _likeness_in_words(near: NearName) -> str:
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


ALL: tuple[Rule, ...] = (
    available,
    standing,
    proofs,
    identifies,
    length,
    not_common,
    not_reserved,
    in_use,
    harm,
    outside,
    no_look_alike,
)
