"""Made-up organizations that apply, each with its story, the label that a careful reviewer would give it, and why.

``grant``: they would approve it from what is here. ``look``: they would have to ask or look elsewhere first. ``refuse``:
they would say no. The labels come from the stories, not from what the policy makes of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from namespaces.policy.community import ApplicationInputs
from namespaces.policy.inputs import Likeness, Projects, ProofFact, Source, Whose, WordUse
from orgs.vocabulary import Kind, ProofKind, ProofState, Standing, State
from tests.cases.community.builders import (
    bare,
    days_ago,
    facts,
    forge_proof,
    good,
    holding,
    namesake,
    near,
    proof,
    published,
    repository,
    with_claim,
)

DNS, HTTPS, MAIL, VOUCH, FORGE = (
    ProofKind.DNS,
    ProofKind.HTTPS,
    ProofKind.EMAIL_DOMAIN,
    ProofKind.VOUCH,
    ProofKind.FORGE,
)


class Labelled(NamedTuple):
    label: str
    story: str
    reason: str
    inputs: ApplicationInputs


def forged(name: str, *repositories: Any, **fields: Any) -> ApplicationInputs:
    """A project at its place on GitHub, with these repositories; what the account says of itself begins ``account_``."""
    account = {key.removeprefix("account_"): fields.pop(key) for key in list(fields) if key.startswith("account_")}
    return good(name, **{"forges": (facts(name, *repositories, **account),)} | fields)


def elsewhere(name: str, place: str, *more: ProofFact, **fields: Any) -> ApplicationInputs:
    """A project whose forge is another than GitHub."""
    found = facts(name, address=f"{place}/{name}")
    return bare(name, proof(FORGE, f"{place}/{name}"), *more, forges=(found,), **fields)


def own(inputs: ApplicationInputs, age: int = 1_500) -> ApplicationInputs:
    """The project of its name on the index has been its own for long."""
    return with_claim(inputs, projects=namesake(age))


GRANT: list[tuple[str, str, ApplicationInputs]] = [
    ("A parser library, five maintainers, on GitHub", "all can be seen there", forged("parsley-core")),
    ("A linter with a site at .org", "licence, work and users are plain", forged("lintel", website="https://lintel.org")),
    ("A plotting library vouched for and on GitHub", "the sponsor knows it",
     good("inkplot", forge_proof("inkplot"), proof(VOUCH, "sciumbrella"), website="https://inkplot.io")),
    ("A vouched project without a forge here, downloaded often", "the sponsor knows it, the index its users",
     bare("quiverly", proof(VOUCH, "sciumbrella"), projects=published(6, 900_000))),
    ("A text adventure engine on Codeberg", "another forge is as good", elsewhere("lanternfish", "https://codeberg.org")),
    ("A mesh tool on a forge of its own", "the forge is public",
     elsewhere("meshwright", "https://git.meshwright.org", proof(DNS, "meshwright.org"))),
    ("A desktop project on GitLab", "all can be seen there", elsewhere("gnomon-tools", "https://gitlab.com")),
    ("A university at its own domain", "it is what it says", bare("northuni", proof(DNS, "northuni.edu"))),
    ("A department of physics, by its DNS", "the university's DNS is not a student's",
     bare("plasma", proof(DNS, "plasma.southuni.ac.uk"), display_name="Plasma group")),
    ("A geological survey", "it is an office of a state", bare("geosurvey", proof(DNS, "geosurvey.gov"))),
    ("A ministry's data team", "it is an office of a state", bare("etalon", proof(HTTPS, "etalon.gouv.fr"))),
    ("A city's open data office", "it is an office of a state", bare("civdata", proof(DNS, "civdata.gov.uk"))),
    ("A relief organization at .ngo", "its registry asks who it is", bare("wellwater", proof(DNS, "wellwater.ngo"))),
    ("An intergovernmental agency", "its domain is given to nobody else", bare("oceanwatch", proof(DNS, "oceanwatch.int"))),
    ("A client library, few stars, four projects that many download", "its users are on the index",
     forged("tidewire", repository("tidewire", stars=6, forks=1), projects=published(4, 80_000))),
    ("A date library with its own project for years", "it is known by it", own(forged("almanac-kit"))),
    ("A plugin collection around a framework, for years", "the name is its own by now",
     own(good("django-lattice", near=(near("django", Likeness.CONTAINED, projects=9_000),)))),
    ("A test helper with a word that everybody uses in its name", "the word is nobody's",
     good("data-thresher", near=(near("data", Likeness.CONTAINED, projects=800),),
          words=(WordUse(part="data", projects=9_000), WordUse(part="thresher")))),
    ("An audio library under the GPL", "the licence is open", forged("chimera-audio", repository("chimera", licence="GPL-3.0-or-later"))),
    ("A compiler with one release this year", "it is finished and looked after",
     forged("quarrel", repository("quarrel", commits=2, releases=1))),
    ("A library whose examples have no licence", "its best-known repository has one",
     forged("wickerwork", repository("wickerwork"), repository("examples", licence="", stars=4))),
    ("A project with forks of its dependencies beside its own", "its own one counts",
     forged("sorrel", repository("sorrel"), repository("patched-dep", copied=True, stars=0))),
    ("A game engine with an archived forerunner", "the present one is alive",
     forged("basaltic", repository("basaltic"), repository("basalt-old", archived=True, changed=days_ago(2_000)))),
    ("A documentation tool, its site on Read the Docs", "that is no site of a business",
     forged("folio-press", website="https://folio-press.readthedocs.io")),
    ("A science library, its account's site at .org", "that says nothing else", forged("petrel", account_website="petrel.org")),
    ("A Japanese text tool shown in its own letters", "nothing passes for anything else",
     forged("yomitori", display_name="\u8aad\u307f\u53d6\u308a")),
    ("A project whose proof has just begun to fail", "it counts until it is lost",
     good("harrow", forge_proof("harrow", state=ProofState.FAILING))),
    ("A mapping library in Spanish hands at .org.mx", "the ending is for organizations",
     forged("cartografo", website="https://cartografo.org.mx")),
    ("A bot framework with forks and few stars", "people build on it", forged("gearbot", repository("gearbot", stars=9, forks=40))),
    ("An accessibility checker called as its domain, with an addition", "it is the same project",
     good("plainly", forge_proof("plainly-dev"), proof(DNS, "plainly.org"))),
    # Those that a machine leaves to a person although a reviewer would approve them.
    ("A web framework with a site at .io", "what it does is all in public", forged("stonefly", website="https://stonefly.io")),
    ("A chat library at its own .dev", "what it does is all in public", good("murmuring", forge_proof("murmuring"), proof(DNS, "murmuring.dev"))),
    ("A codec, finished and still used by many", "it needs no change",
     forged("fourfold", repository("fourfold", changed=days_ago(600)), projects=published(1, 400_000))),
    ("A small library for beekeepers", "it is alive and open, its users are few",
     forged("beeline-log", repository("beeline-log", stars=8, forks=1))),
    ("A library that asked as a company by mistake and holds nothing", "nothing else says so", forged("misclick", was_company=True)),
    ("A library whose owner has not linked their user name", "the forge shows that it is theirs",
     with_claim(forged("orchardist"), projects=Projects(outside=1, namesake=Whose.OTHER))),
]  # fmt: skip

LOOK: list[tuple[str, str, ApplicationInputs]] = [
    ("Nothing proved yet, a good story", "somebody has to say who they are", bare("hopeful")),
    ("A place on a forge that is called otherwise", "whose is it?", good("glasswing", forge_proof("jdoe"))),
    ("A repository of last week with thousands of stars", "where do they come from?",
     forged("overnight", repository("overnight", begun=days_ago(7), stars=4_000, commits=30))),
    ("A forge that could not be asked", "it has to be seen", bare("shuttered", forge_proof("shuttered"), unanswered=("https://github.com/shuttered",))),
    ("A licence file that the forge can't make out", "it has to be read", forged("smallprint", repository("smallprint", licence="NOASSERTION"))),
    ("A domain registered last week", "it may be anybody's", bare("dropcatch", proof(DNS, "dropcatch.org", registered=days_ago(6)), projects=published())),
    ("A student's machine at a university", "the university did not ask for it", bare("dormhost", proof(HTTPS, "dormhost.northuni.edu"))),
    ("A mailbox at a university", "thousands have one", bare("northuni", proof(MAIL, "northuni.edu"))),
    ("A page of a person at a university", "it is the person's", bare("reeds", proof(DNS, "reeds.people.northuni.edu"))),
    ("A club at .org without a forge", "what does it publish?", bare("hikers", proof(DNS, "hikers.org"))),
    ("A project whose account was made anew", "it may be somebody else now", good("revenant", forge_proof("revenant", flag="owner-changed"))),
    ("A project that a reviewer refused in spring", "what has changed since?", good("secondtry", refused=days_ago(170))),
    ("A project with an open dispute", "that comes first", own(good("contested", disputes=1))),
    ("A company that opened its library", "is the project the company's?", good("anvilworks", kind=Kind.COMPANY, was_company=True)),
    ("A project called like a namespace that was just granted", "is it the same people?",
     good("keelson", holdings=(holding("keelson"),))),
    ("An awesome plugin collection for a well-known framework, new", "may it carry that name?",
     good("django-newcomer", near=(near("django", Likeness.CONTAINED, projects=9_000),))),
    ("One active year, then two quiet ones, few users", "is it alive?", forged("dormouse", repository("dormouse", changed=days_ago(800), stars=30))),
    ("An institute at .org, vouched for, without users yet", "who uses it?", bare("fledgling", proof(VOUCH, "sciumbrella"))),
]  # fmt: skip

REFUSE: list[tuple[str, str, ApplicationInputs]] = [
    ("A letter off a famous telemetry project", "it passes for another",
     good("opentelernetry", forge_proof("opentelernetry"), proof(DNS, "opentelernetry.org"),
          near=(near("opentelemetry", Likeness.FOLDED, projects=300),))),
    ("Two letters swapped, with bought stars", "it passes for another",
     forged("kuberentes", repository("kuberentes", stars=900), near=(near("kubernetes", Likeness.SWAPPED, projects=400),))),
    ("A famous name without its hyphen", "it passes for another",
     good("scikitlearn", near=(near("scikit-learn", Likeness.FOLDED, projects=300),))),
    ("A famous name in its display name alone", "it passes for another",
     forged("tooling-hub", display_name="Dj\u0430ngo", shown=(near("django", Likeness.FOLDED, projects=9_000),))),
    ("A display name all in look-alike letters", "it passes for another", forged("tooling-hub", display_name="\u0430\u0440\u0435\u0445")),
    ("Somebody who registered the famous name under another ending", "it passes for another",
     good("rackets", forge_proof("rackets"), proof(DNS, "rocketry.dev"), near=(near("rocketry", projects=90),))),
    ("A shop that hides behind a brand", "the brand is another's",
     good("google-cloud-helpers", near=(near("google-cloud", Likeness.CONTAINED, projects=250),))),
    ("Somebody called like a project of others", "it is not theirs",
     with_claim(forged("pillarbox"), projects=Projects(outside=3, outside_owners=2, namesake=Whose.OTHER))),
    ("Somebody who says to be official", "nobody said so", good("official-wheels", reserved="trust")),
    ("Somebody called as the index's staff", "they are not", good("security", reserved="index")),
    ("A start-up with an open library at .com", "it is a company", forged("growthly", website="https://growthly.com", account_about="Data for teams")),
    ("A start-up at .ai", "it is a company", forged("promptsmith", account_website="https://promptsmith.ai")),
    ("A start-up at .dev with a proved domain", "it is a company", good("shipfast", forge_proof("shipfast"), proof(DNS, "shipfast.dev"))),
    ("A consultancy of one at .de", "a one-person company is one", forged("krause", website="https://krause.de", description="Consulting")),
    ("A limited company by its name", "it is a company", forged("brassworks", display_name="Brassworks Ltd")),
    ("A GmbH with a much-starred library", "it is a company", forged("kesselhaus", display_name="Kesselhaus GmbH")),
    ("A freelancer's portfolio", "it is a business", forged("jane-codes", account_about="Freelance developer, available for hire")),
    ("The open kit of a closed product", "the core is not open",
     forged("halfopen", repository("halfopen-sdk"), repository("halfopen", licence="BUSL-1.1", stars=2_000))),
    ("A product that all may read and nobody run", "it is not open source", forged("lookonly", repository("lookonly", licence="SSPL-1.0"))),
    ("A company that switches to save the fee", "it is a company", own(good("feedodger", kind=Kind.COMPANY, was_company=True, state=State.ACTIVE))),
    ("A company that owes a year and asks to be a project", "it is a company",
     good("latepayer", kind=Kind.COMPANY, was_company=True, state=State.ACTIVE, standing=Standing.LAPSED)),
    ("A suspended organization", "that has to be settled first", good("trickster", state=State.SUSPENDED)),
    ("Somebody with forks of others' work alone", "it is not theirs", forged("magpie", repository("their-lib", copied=True, stars=5_000))),
    ("Somebody with an empty account", "there is no project", forged("hollow", repository("hollow", changed=None, stars=0))),
    ("Somebody with nothing but a profile page", "there is no project", forged("facade", repository(".github", stars=60))),
    ("A name collector with a fresh empty repository", "there is no project",
     forged("prefixes", repository("prefixes", begun=days_ago(3), stars=0, forks=0, commits=1, releases=0))),
    ("A squatter whose old account has one dead repository", "there is no project",
     forged("parked", repository("parked", changed=days_ago(1_400), stars=1, forks=0, commits=0, releases=0))),
    ("A spammer with three projects of this month", "they are no users",
     forged("pharmline", repository("pharmline", begun=days_ago(20), stars=0, forks=0), projects=published(3, 40, 12))),
    ("A university's name by somebody at .edu.pl, where all can register", "it is none", bare("westuni", proof(DNS, "westuni.edu.pl"))),
    ("A \u201cgovernment\u201d below a company's domain", "it is none", bare("ministry", proof(DNS, "ministry.gov.example"))),
    ("Somebody with a lost proof", "it proves nothing any more", good("forsaken", forge_proof("forsaken", state=ProofState.LOST), forges=())),
    ("A project called like a namespace of others, a letter off", "it passes for another",
     good("acmetools", near=(near("acme-tool", Likeness.EDITED, source=Source.GRANT, owner="acme", projects=0),))),
]  # fmt: skip


def everything() -> list[Labelled]:
    return [
        Labelled(label, *row) for label, rows in (("grant", GRANT), ("look", LOOK), ("refuse", REFUSE)) for row in rows
    ]
