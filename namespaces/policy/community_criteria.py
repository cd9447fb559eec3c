"""The criteria on an organization that asks to be a community project: each says ``pass``, ``fail`` or ``unknown``, and
why. Pure.

An institution need not show what a project shows, and neither need a project for which a recognized fiscal sponsor
vouches. What could be measured but was not is never a pass. The name has a module of its own (``community_name``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from namespaces.policy import institutions, relations
from namespaces.policy.application_inputs import ApplicationInputs
from namespaces.policy.evaluation import CommunityKey, Criterion, Result
from namespaces.policy.inputs import ProofFact
from namespaces.policy.institutions import Institution
from namespaces.policy.licences import Openness, openness
from namespaces.policy.relations import Relation
from namespaces.policy.signals import HELPERS, Repository
from namespaces.policy.thresholds import CommunityThresholds
from orgs.names import derived
from orgs.vocabulary import Kind, ProofKind, Standing, State

FOREMOST = 5
"""So many of the most popular repositories are looked at for their licence."""


def passed(key: CommunityKey, evidence: str) -> Criterion:
    return Criterion(key=key, result=Result.PASS, evidence=evidence)


def failed(key: CommunityKey, evidence: str, remedy: str = "") -> Criterion:
    return Criterion(key=key, result=Result.FAIL, evidence=evidence, remedy=remedy)


def unknown(key: CommunityKey, evidence: str, remedy: str = "") -> Criterion:
    return Criterion(key=key, result=Result.UNKNOWN, evidence=evidence, remedy=remedy)


# --- What it stands on ------------------------------------------------------------------------------------------------


def sponsors(inputs: ApplicationInputs) -> list[str]:
    """The recognized fiscal sponsors that vouch for it."""
    return [proof.subject for proof in relations.counting(inputs.applicant, [ProofKind.VOUCH])]


def institution(inputs: ApplicationInputs) -> tuple[Institution, str] | None:
    """What institution it is, by which domain.

    Many at a university can have a mailbox there, or a file on a machine's website; a record in its DNS they can not.
    """
    for proof in relations.counting(inputs.applicant, [ProofKind.DNS, ProofKind.HTTPS]):
        kind = institutions.institution(proof.subject)
        if kind and (proof.kind is ProofKind.DNS or institutions.is_whole(proof.subject)):
            return kind, proof.subject
    return None


_KINDS = {
    Institution.UNIVERSITY: lambda: _("a university or a school"),
    Institution.GOVERNMENT: lambda: _("an office of a state"),
    Institution.NONPROFIT: lambda: _("a nonprofit"),
}


def _excused(inputs: ApplicationInputs, key: CommunityKey) -> Criterion | None:
    """Met without being looked at, for what the organization is."""
    if found := institution(inputs):
        words = {"kind": _KINDS[found[0]](), "domain": found[1]}
        return passed(key, _("Not asked of %(kind)s: it has %(domain)s.") % words)
    if key in _VOUCHED and (names := sponsors(inputs)):
        return passed(key, _("Not asked for: %(sponsor)s vouches for it.") % {"sponsor": names[0]})
    return None


_VOUCHED = frozenset({CommunityKey.FORGE, CommunityKey.LICENCE, CommunityKey.ACTIVITY})


# --- Who it is --------------------------------------------------------------------------------------------------------


def proofs(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Criterion:
    key = CommunityKey.PROOFS
    if names := sponsors(inputs):
        return passed(key, _("%(sponsor)s vouches for it.") % {"sponsor": names[0]})
    found = relations.counting(inputs.applicant, relations.NAMING_PROOFS)
    naming = [proof for proof in found if _names(inputs, proof)]
    old = [proof for proof in naming if not _is_young(proof, inputs, thresholds)]
    if old:
        subjects = ", ".join(sorted({_shown(proof) for proof in old}))
        return passed(key, _("Proved, and called as the project is: %(subjects)s.") % {"subjects": subjects})
    if naming:
        evidence = _("The domain %(subject)s was registered only lately.") % {"subject": naming[0].subject}
        return unknown(key, evidence, _("Prove your place on a code forge too, or wait for a reviewer."))
    return _nothing_names_it(inputs, found)


def _nothing_names_it(inputs: ApplicationInputs, found: Sequence[ProofFact]) -> Criterion:
    key, words = CommunityKey.PROOFS, {"name": inputs.applicant.name}
    remedy = _("Prove a place on a code forge, or a domain, that is called “%(name)s”.") % words
    if found:
        words["subjects"] = ", ".join(sorted({_shown(proof) for proof in found}))
        return unknown(key, _("What is proved is called otherwise: %(subjects)s.") % words, remedy)
    if flagged := relations.doubtful(inputs.applicant, relations.COMMUNITY_PROOFS):
        evidence = _("A person has to look at the proof of %(subject)s first.") % {"subject": _shown(flagged[0])}
        return unknown(key, evidence, remedy)
    return failed(key, _("Nothing proves yet whose project it is."), remedy)


def _names(inputs: ApplicationInputs, proof: ProofFact) -> bool:
    """Whether what is proved is called as the organization is; of an institution, whether any part of it is."""
    names = relations.names_of(proof)
    if proof.kind in relations.DOMAIN_PROOFS and institutions.institution(proof.subject):
        names = [*names, *proof.subject.split(".")[:-1]]
    wanted = [inputs.applicant.name, derived(inputs.applicant.display_name)]
    return any(relations.relate(own, name) is not Relation.NONE for own in wanted if own for name in names)


def _is_young(proof: ProofFact, inputs: ApplicationInputs, thresholds: CommunityThresholds) -> bool:
    return proof.registered is not None and (inputs.on - proof.registered).days < thresholds.domain_days


def _shown(proof: ProofFact) -> str:
    return proof.subject.removeprefix("https://")


def no_business(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Criterion:
    """A company pays, of however many people; so does nobody who is asked here only whether they are one."""
    key = CommunityKey.INSTITUTION
    if found := institution(inputs):
        words = {"kind": _KINDS[found[0]](), "domain": found[1]}
        return passed(key, _("It is %(kind)s: %(domain)s.") % words)
    reasons = list(_signs_of_business(inputs))
    if not reasons:
        return passed(key, _("Nothing says that it is a business."))
    remedy = _(
        "A company stays one, of one person too, and so does its project. If this is no company's project, say so "
        "when you apply: a reviewer looks."
    )
    return unknown(key, " ".join(reasons), remedy)


def _signs_of_business(inputs: ApplicationInputs) -> Iterable[str]:
    applicant = inputs.applicant
    if inputs.was_company or applicant.kind is Kind.COMPANY:
        yield _("It is set up as a company, or was.")
    if form := institutions.legal_form(applicant.display_name):
        yield _("Its name ends as a company's does: “%(form)s”.") % {"form": form}
    if sponsors(inputs):
        return
    texts = [inputs.description, *(facts.about for facts in inputs.forges)]
    if words := next(filter(None, map(institutions.selling_words, texts)), ""):
        yield _("It speaks of itself as a business does: “%(words)s”.") % {"words": words}
    for host in dict.fromkeys(filter(institutions.may_be_business, _sites(inputs))):
        yield _("Its site %(host)s could be a company's.") % {"host": host}


def _sites(inputs: ApplicationInputs) -> Iterable[str]:
    """Where it says it is at home, and what it has proved."""
    yield from (proof.subject for proof in relations.counting(inputs.applicant, relations.DOMAIN_PROOFS))
    yield from map(institutions.host_of, [inputs.website, *(facts.website for facts in inputs.forges)])


def standing(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Criterion:
    key, applicant = CommunityKey.STANDING, inputs.applicant
    words = {"state": applicant.state.label, "standing": applicant.standing.label}
    if applicant.state in {State.SUSPENDED, State.CLOSED} or applicant.standing is not Standing.GOOD:
        evidence = _("The organization is not in good standing (%(state)s, %(standing)s).") % words
        return failed(key, evidence, _("Settle what is open first."))
    if inputs.disputes:
        return unknown(key, _("Somebody disputes a namespace that it holds."), _("Wait until that is decided."))
    if inputs.refused is not None and inputs.wanted is Kind.COMMUNITY:
        day = {"day": date_format(inputs.refused, "DATE_FORMAT")}
        evidence = _("A reviewer did not find it to be a community project on %(day)s.") % day
        return unknown(key, evidence, _("Say what has changed since; a reviewer looks again."))
    return passed(key, _("Nothing is open against it."))


# --- What it does -----------------------------------------------------------------------------------------------------


def public_forge(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Criterion:
    key = CommunityKey.FORGE
    if excused := _excused(inputs, key):
        return excused
    repositories = _repositories(inputs)
    old = _grown(inputs, thresholds)
    if old:
        text = ngettext(
            "%(count)d public repository at %(places)s.", "%(count)d public repositories at %(places)s.", len(old)
        )
        return passed(key, text % {"count": len(old), "places": _places(inputs)})
    if repositories:
        evidence = _("Its repositories at %(places)s were begun only lately.") % {"places": _places(inputs)}
        days = {"days": thresholds.forge_days}
        return unknown(key, evidence, _("Wait until one is %(days)d days old, or for a reviewer.") % days)
    return _no_repository(inputs)


def _no_repository(inputs: ApplicationInputs) -> Criterion:
    key = CommunityKey.FORGE
    if inputs.unanswered:
        evidence = _("%(place)s could not be asked yet.") % {"place": inputs.unanswered[0].removeprefix("https://")}
        return unknown(key, evidence, _("Have it asked again."))
    if inputs.forges:
        evidence = _("There is no public repository of its own at %(places)s.") % {"places": _places(inputs)}
        return failed(key, evidence, _("Prove the place where the project is developed."))
    return failed(key, _("No place on a code forge is proved."), _("Prove the project's place on a code forge."))


def licence(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Criterion:
    """Of the most popular repository, and none of those next to it restricts who may use it."""
    key = CommunityKey.LICENCE
    if excused := _excused(inputs, key):
        return excused
    foremost = sorted(_repositories(inputs), key=_popularity)[:FOREMOST]
    if not foremost:
        return unknown(
            key, _("No repository tells its licence."), _("Prove the project's place on a code forge first.")
        )
    restricted = [found for found in foremost if openness(found.licence) is Openness.RESTRICTED]
    words = {"name": foremost[0].name, "licence": foremost[0].licence}
    if restricted:
        words = {"name": restricted[0].name, "licence": restricted[0].licence}
        evidence = _("%(licence)s, which %(name)s has, does not let everybody use it.") % words
        return failed(key, evidence, _("Put what you apply for under a licence that the OSI approved."))
    if openness(foremost[0].licence) is Openness.OPEN:
        return passed(key, _("%(name)s, its best-known repository, has the licence %(licence)s.") % words)
    evidence = _("The forge tells no licence that we know of %(name)s, its best-known repository.") % words
    remedy = _("Add a file called LICENSE to %(name)s with the text of a licence that the OSI approved.") % words
    return unknown(key, evidence, remedy)


def activity(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Criterion:
    key = CommunityKey.ACTIVITY
    if excused := _excused(inputs, key):
        return excused
    found = [repository for repository in _repositories(inputs) if not repository.archived]
    last = max((repository.changed for repository in found if repository.changed), default=None)
    if last is None:
        return unknown(key, _("Nothing tells when it was last worked on."), _("Prove its place on a code forge first."))
    words = {"day": date_format(last, "DATE_FORMAT"), "days": thresholds.active_days}
    if (inputs.on - last).days > thresholds.active_days:
        evidence = _("The last change was on %(day)s, more than %(days)d days ago.") % words
        return unknown(key, evidence, _("Go on with it, or tell a reviewer that it is finished and looked after."))
    commits = [repository.commits for repository in found if repository.commits is not None]
    releases = sum(repository.releases or 0 for repository in found)
    if sum(commits) >= thresholds.commits or releases:
        counts = {"commits": _commits(sum(commits)), "releases": _releases(releases), **words}
        return passed(key, _("Last changed on %(day)s; within a year %(commits)s and %(releases)s.") % counts)
    evidence = _("It was last changed on %(day)s, but hardly anything else happened within a year.") % words
    return unknown(key, evidence, _("Have it asked again after the next work on it, or wait for a reviewer."))


def _commits(count: int) -> str:
    return ngettext("%(count)d commit", "at least %(count)d commits", count) % {"count": count}


def _releases(count: int) -> str:
    return ngettext("%(count)d release", "%(count)d releases", count) % {"count": count}


def users(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> Criterion:
    """By what the index knows, or else by what the forge counts for repositories that are not new."""
    key = CommunityKey.USERS
    if institution(inputs):
        return _excused(inputs, key) or passed(key, "")
    projects = inputs.projects
    days = -1 if projects.first is None else (inputs.on - projects.first).days
    grown = _grown(inputs, thresholds)
    stars, forks = sum(found.stars for found in grown), sum(found.forks for found in grown)
    words = {"count": projects.count, "downloads": projects.downloads or 0, "stars": stars, "forks": forks}
    has_projects = projects.count >= thresholds.projects and days >= thresholds.project_days
    if has_projects or (projects.downloads or 0) >= thresholds.downloads:
        return passed(key, _("On the index: %(count)d projects, %(downloads)d downloads in 30 days.") % words)
    if stars >= thresholds.stars or forks >= thresholds.forks:
        return passed(key, _("On the code forge: %(stars)d stars and %(forks)d forks.") % words)
    remedy = _("Link the user names under which you publish, or tell a reviewer who uses it.")
    if not any(words.values()):
        return unknown(key, _("Nothing tells yet that somebody uses it."), remedy)
    evidence = _(
        "Few users are to be seen: %(count)d projects on the index with %(downloads)d downloads in 30 days; %(stars)d "
        "stars and %(forks)d forks."
    )
    return unknown(key, evidence % words, remedy)


def _repositories(inputs: ApplicationInputs) -> list[Repository]:
    """Its own ones, with something in them."""
    return [
        repository
        for facts in inputs.forges
        for repository in facts.repositories
        if not repository.copied and repository.changed is not None and repository.name.lower() not in HELPERS
    ]


def _grown(inputs: ApplicationInputs, thresholds: CommunityThresholds) -> list[Repository]:
    """Those that were not begun only lately: what anybody could put up for the occasion tells nothing."""
    return [
        found
        for found in _repositories(inputs)
        if found.begun is not None and (inputs.on - found.begun).days >= thresholds.forge_days
    ]


def _popularity(repository: Repository) -> tuple[bool, int, int, str]:
    return repository.archived, -repository.stars, -repository.forks, repository.name


def _places(inputs: ApplicationInputs) -> str:
    return ", ".join(facts.address.removeprefix("https://") for facts in inputs.forges)
