"""The criteria as the public reads them, with the numbers that are in force. Pure.

``tests/public`` sees to it that no criterion is without words, and that no number in force is left out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from namespaces.cases import Ground
from namespaces.policy.evaluation import CommunityKey, Key
from namespaces.policy.thresholds import CommunityThresholds, Thresholds


@dataclass(frozen=True, slots=True)
class Written:
    """A criterion on the page of the policy; ``anchor`` is what a refusal links to, ``met_when`` whole sentences."""

    key: Key | CommunityKey
    anchor: str
    met_when: str

    @property
    def title(self) -> str:
        return str(self.key.label)


def anchor(key: Key | CommunityKey | Ground) -> str:
    """Where the criterion stands on the page; both lists have some of the same key. All grounds of disputes are one."""
    if isinstance(key, Ground):
        return "disputes"
    return f"{'organization' if isinstance(key, CommunityKey) else 'namespace'}-{key.value.replace('_', '-')}"


def on_namespaces(thresholds: Thresholds) -> list[Written]:
    return [_written(key, CLAIMS[key], _shown(thresholds)) for key in Key]


def on_communities(thresholds: CommunityThresholds) -> list[Written]:
    return [_written(key, COMMUNITIES[key], _shown(thresholds)) for key in CommunityKey]


def on_two_reviewers(thresholds: Thresholds) -> list[str]:
    return [str(sentence) % _shown(thresholds) for sentence in TWO_REVIEWERS]


def _written(key: Key | CommunityKey, sentences: Promise | str, shown: dict[str, str]) -> Written:
    return Written(key, anchor(key), str(sentences) % shown)


def _shown(thresholds: Thresholds | CommunityThresholds) -> dict[str, str]:
    return {name: number_format(value, force_grouping=True) for name, value in asdict(thresholds).items()}


CLAIMS: dict[Key, Promise | str] = {
    Key.AVAILABLE: _(
        "Nobody else holds it, a namespace above it or one inside it. What somebody gave up is theirs to take back as "
        "long as its quarantine lasts. Where several claim names that overlap, a person compares them."
    ),
    Key.STANDING: _(
        "The organization is active and owes nothing. A company that has not paid yet is granted the namespace all the "
        "same, and holds it once it has paid; nobody else can have it meanwhile."
    ),
    Key.PROOFS: _(
        "A company has proved a domain; a community project a domain, its place on a code forge, or has a fiscal "
        "sponsor that vouches for it. A domain that was registered less than %(domain_days)s days ago does not suffice."
    ),
    Key.IDENTIFIES: _(
        "A proved domain says the name, as it is or with a usual addition. So does a place on a code forge, once the "
        "applicant has published under the name for %(forge_days)s days. Or the applicant has published most of what "
        "is under it: at least %(established_projects)s projects, the first at least %(established_days)s days ago. "
        "What an organization calls itself proves nothing."
    ),
    Key.LENGTH: _("It has at least %(shortest)s characters, hyphens not counted."),
    Key.COMMON: _(
        "It is not made of common words alone, and fewer than %(common_owners)s different others publish under it. A "
        "word is common when %(common_word)s projects describe themselves with it without being called so; two words "
        "written as one are when %(common_compound)s projects do so with each of them."
    ),
    Key.RESERVED: _(
        "It does not stand for the language, for packaging, for the index, or for a format that is everybody's, and no "
        "part of it promises trust, as “official” does."
    ),
    Key.IN_USE: _(
        "The applicant has at least %(projects_in_use)s project under it. Or nobody has, and the applicant has proved "
        "the domain of that name."
    ),
    Key.HARM: _(
        "Somebody could be misled if strangers published under it: users of the applicant's projects, or people who "
        "know its domain."
    ),
    Key.OVERTAKEN: _(
        "At most %(outside_projects)s projects of at most %(outside_owners)s others are under it, no more than "
        "%(outside_percent)s %% of all, with at most %(outside_downloads)s downloads in 30 days, and all younger than "
        "the applicant's first. The project called like the name itself is nobody else's. Those projects go on "
        "releasing, whatever is decided."
    ),
    Key.LOOK_ALIKE: _(
        "No granted or popular name looks like it, and it borrows no known name: one under which %(brand_projects)s "
        "projects stand, or that is downloaded %(brand_downloads)s times in 30 days, unless it is a word that "
        "%(generic_word)s projects describe themselves with. Who has long published under the name is compared only "
        "with names %(likeness_margin)s times as popular."
    ),
}

TWO_REVIEWERS: tuple[Promise | str, ...] = (
    _("%(high_projects)s projects of others are under the name, or %(high_owners)s different others publish there."),
    _("What is under the name is downloaded %(high_downloads)s times in 30 days."),
    _("It is a reserved word, or has fewer than %(shortest)s characters."),
    _("It could be mistaken for a name that very many use."),
)

COMMUNITIES: dict[CommunityKey, Promise | str] = {
    CommunityKey.PROOFS: _(
        "A proved place on a code forge, or a proved domain that was registered at least %(domain_days)s days ago, is "
        "called as the project is. Or a recognized fiscal sponsor vouches for it."
    ),
    CommunityKey.FORGE: _(
        "There is a public repository of its own, begun at least %(forge_days)s days ago. Not asked of a project for "
        "which a fiscal sponsor vouches, nor of a university, a school, an office of a state or a nonprofit."
    ),
    CommunityKey.LICENCE: _(
        "Its best-known repository has a licence that the OSI approved, and none of those next to it restricts who may "
        "use it. Not asked of the same."
    ),
    CommunityKey.ACTIVITY: _(
        "It was changed within %(active_days)s days, and within a year there was a release or %(commits)s commits. Not "
        "asked of the same. A project that is finished and looked after tells a reviewer so."
    ),
    CommunityKey.USERS: _(
        "It has %(projects)s projects on the index, the first for %(project_days)s days; or %(downloads)s downloads "
        "there in 30 days; or %(stars)s stars or %(forks)s forks on its code forge. Not asked of an institution."
    ),
    CommunityKey.INSTITUTION: _(
        "Nothing says that it is a business: neither its legal form, nor what it writes of itself, nor its site. A "
        "company stays one, of one person too. A university, a school, an office of a state or a nonprofit is shown by "
        "its domain."
    ),
    CommunityKey.NAME: _(
        "Nothing granted or well-known is called like it: no namespace, and no name under which %(brand_projects)s "
        "projects stand or that is downloaded %(brand_downloads)s times in 30 days, unless it is a word that "
        "%(generic_word)s projects describe themselves with. Who has owned the project of that name on the index for "
        "%(established_days)s days is known by it."
    ),
    CommunityKey.STANDING: _(
        "It is not suspended and owes nothing, nobody disputes a namespace that it holds, and no reviewer has found "
        "lately that it is no community project."
    ),
}
