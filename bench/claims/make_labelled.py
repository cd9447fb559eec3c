"""Make the labelled claims on which the policy is measured, from a catalogue of a package index.

`python -m bench.claims.make_labelled CATALOGUE OUTPUT` writes OUTPUT, a gzipped JSON list. Each claim has all its
inputs, a label (`grant`, `refuse`, `look`), the family of its story, and the reason of the label in words. The label
comes from the story alone, that is from what whoever made it up knows: that somebody is a squatter, say. It was written
before the claim was evaluated and never comes from the engine or its thresholds:

* `grant`: a careful reviewer who knew the story would grant it without further questions;
* `refuse`: they would refuse it, whatever the applicant has proved;
* `look`: reviewers would want to weigh it; for a machine to grant it is no harm, for a person to see it no delay.

One third, by a hash of the claim, is held out: thresholds and rules are tuned on the others alone. The names are real
ones of the catalogue, and look-alikes of them, but for companies that are said to be new; who owns what is made up.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.claims import stories
from bench.claims.world import TODAY, Ownership, World, chance
from namespaces import names
from namespaces.policy import words
from namespaces.policy.inputs import Applicant, ClaimInputs, Holding, Overlap, ProofFact
from namespaces.policy_data import reserved_words, word_counts
from namespaces.states import GrantState
from orgs.vocabulary import Kind, ProofKind, ProofState, Standing, State

GRANTS = {
    "google-cloud": "google",
    "opentelemetry": "opentelemetry",
    "apache-airflow-providers": "apache",
    "types": "typeshed",
    "aws-cdk": "amazon",
    "azure": "microsoft",
    "cupy": "cupy",
}
"""Namespaces that are held when the claims come in."""


@dataclass(frozen=True)
class Story:
    """A claim and what its author knows of it."""

    family: str
    prefix: str
    label: str
    reason: str
    ownership: Ownership = field(default_factory=Ownership)
    kind: Kind = Kind.COMPANY
    name: str = ""
    domain: str = ""
    forge: str = ""
    state: State = State.ACTIVE
    standing: Standing = Standing.GOOD
    proof_state: ProofState = ProofState.VERIFIED
    flag: str = ""
    age_days: int = 30
    registered: date | None = None


def proofs_of(story: Story) -> tuple[ProofFact, ...]:
    found = []
    if story.domain:
        found.append(
            ProofFact(
                kind=ProofKind.DNS,
                subject=story.domain,
                state=story.proof_state,
                flag=story.flag,
                registered=story.registered,
            )
        )
    if story.forge:
        found.append(
            ProofFact(
                kind=ProofKind.FORGE,
                subject=f"https://github.com/{story.forge}",
                state=story.proof_state,
                flag=story.flag,
            )
        )
    return tuple(found)


def inputs_of(story: Story, world: World) -> ClaimInputs:
    me = story.name or story.prefix
    ownership = story.ownership
    return ClaimInputs(
        prefix=story.prefix,
        on=TODAY,
        applicant=Applicant(
            name=me,
            display_name=me.replace("-", " ").title(),
            kind=story.kind,
            state=story.state,
            standing=story.standing,
            age_days=story.age_days,
            proofs=proofs_of(story),
        ),
        projects=world.facts(story.prefix, ownership),
        holdings=tuple(
            Holding(
                name=name, overlap=_overlap(story.prefix, name), state=GrantState.ACTIVE, mine=owner == me, owner=owner
            )
            for name, owner in GRANTS.items()
            if names.overlap(name, story.prefix)
        ),
        near=world.near(story.prefix, ownership.own | ownership.people, GRANTS, me),
        words=words.measure(story.prefix, word_counts()),
        reserved=words.reserved_reason(story.prefix, reserved_words()),
    )


def _overlap(prefix: str, name: str) -> Overlap:
    return Overlap.SAME if name == prefix else Overlap.ABOVE if len(name) < len(prefix) else Overlap.BELOW


# --- Claims that a careful reviewer would grant ---------------------------------------------------------------------


def stewards(world: World) -> Iterator[Story]:
    """Organizations that publish what is under their own name."""
    for kind, prefix, domain, forge in stories.STEWARDS:
        under = world.under(prefix)
        spare = [name for name in under if not world.projects[name].rank and name != prefix]
        strangers = set(spare[: chance(prefix, 4) % 3 if len(under) >= 8 else 0])
        own = frozenset(under) - strangers
        by_people = frozenset(name for name in own if kind is Kind.COMMUNITY and chance(prefix, 5) == 0)
        told = f"It publishes {len(own)} of the {len(under)} projects under its own name, and has proved who it is."
        yield Story(
            "steward",
            prefix,
            "grant",
            told,
            Ownership(own - by_people, by_people, later=True, one_owner=True),
            kind,
            domain=domain,
            forge=forge,
        )


def new_companies(world: World) -> Iterator[Story]:
    for number, name in enumerate(stories.NEW_COMPANIES):
        assert not world.under(name), f"{name} is in use"
        domain = (f"{name}.com", f"{name}.io", f"get{name}.com", f"{name}hq.com", f"{name}.ai")[number % 5]
        told = "A new company with a name of its own that nobody uses, and it has proved the domain."
        fresh = number % 3
        state = State.APPLIED if number % 4 == 0 else State.ACTIVE
        yield Story("new company", name, "grant", told, Ownership(fresh=fresh), domain=domain, state=state)


def inner_names(world: World) -> Iterator[Story]:
    """Parts of their own tree that organizations ask for one by one."""
    for prefix, domain in stories.INNER:
        told = "A proved company asks for a part of what begins with its own name, all of which is its own."
        yield Story("inner name", prefix, "grant", told, Ownership(own=frozenset(world.under(prefix))), domain=domain)


# --- Claims that reviewers would want to weigh ----------------------------------------------------------------------


def famous(world: World) -> Iterator[Story]:
    for prefix, domain in stories.FAMOUS:
        own = frozenset(name for name in world.ranked(prefix) if chance(name, 2) or name == prefix)
        told = "The real project, but dozens of others publish plug-ins under its name: to be weighed."
        yield Story("famous", prefix, "look", told, Ownership(own=own), Kind.COMMUNITY, domain=domain, forge=prefix)


def single_projects(world: World) -> Iterator[Story]:
    for prefix in stories.SINGLE:
        told = "One person's project that many use; whether one project needs a namespace is to be weighed."
        ownership = Ownership(people=frozenset({prefix}))
        yield Story("single project", prefix, "look", told, ownership, Kind.COMMUNITY, forge=prefix)


def words_with_domain(world: World) -> Iterator[Story]:
    for number, prefix in enumerate(stories.WORDS[:24]):
        told = "A dictionary word: the company has its domain, others have others."
        domain = f"{prefix}.{('com', 'io', 'dev')[number % 3]}"
        yield Story("word with domain", prefix, "look", told, Ownership(fresh=number % 3), domain=domain)


def conflicts(world: World) -> Iterator[Story]:
    for prefix in stories.SINGLE[:14]:
        told = "A company has the domain, but the project of that name is somebody else's: both are to be heard."
        ownership = Ownership(fresh=2, fresh_days=200)
        yield Story("conflict", prefix, "look", told, ownership, domain=f"{prefix}.com")


def unknown_owners(world: World) -> Iterator[Story]:
    for kind, prefix, domain, forge in stories.STEWARDS[::7]:
        told = "The index does not say whose the projects are: somebody has to find out."
        ownership = Ownership(unknown=frozenset(world.under(prefix)))
        yield Story("owners unknown", prefix, "look", told, ownership, kind, domain=domain, forge=forge)


def flagged(world: World) -> Iterator[Story]:
    for kind, prefix, domain, _ in stories.STEWARDS[3::9]:
        told = "The domain was registered anew since it was proved: somebody has to see whose it is now."
        ownership = Ownership(own=frozenset(world.under(prefix)))
        proved = domain or f"{prefix}.org"
        yield Story("flagged", prefix, "look", told, ownership, kind, domain=proved, flag="registered-anew")


def short_names(world: World) -> Iterator[Story]:
    for prefix, domain in stories.SHORT:
        own = frozenset(world.ranked(prefix))
        told = "Three letters mean many things; the company of that name is one of them."
        yield Story("short name", prefix, "look", told, Ownership(own=own), domain=domain)
        told = "A stranger wants three letters that others publish under."
        yield Story("short squatter", prefix, "refuse", told, Ownership(fresh=1), Kind.COMMUNITY, forge=prefix)


def lone_newcomers(world: World) -> Iterator[Story]:
    for number, prefix in enumerate(stories.NEW_PROJECTS):
        assert not world.under(prefix), f"{prefix} is in use"
        told = "A new account on a forge and one project of last week: it costs nothing to have either."
        ownership = Ownership(fresh=1, fresh_days=3 + 5 * number)
        yield Story("lone newcomer", prefix, "look", told, ownership, Kind.COMMUNITY, forge=prefix)


def young_domains(world: World) -> Iterator[Story]:
    for prefix in stories.NEW_PROJECTS:
        told = "The domain was registered the week before: whether there is a company is to be seen."
        yield Story("young domain", prefix, "look", told, domain=f"{prefix}.com", registered=TODAY - timedelta(days=8))


# --- Claims that a careful reviewer would refuse --------------------------------------------------------------------


def squatters(world: World) -> Iterator[Story]:
    """Under names that many build on, with all the proofs that one can make for nothing or for a domain's fee."""
    for number, prefix in enumerate(stories.SQUATTED):
        told = "A stranger wants a name that others' projects made known."
        proved: tuple[dict[str, Any], ...] = (
            {"name": f"person{number}"},
            {"name": f"person{number}", "forge": f"person{number}"},
            {"forge": prefix},
            {"forge": prefix, "domain": f"{prefix}.dev"},
            {"domain": f"{prefix.replace('-', '')}.io"},
        )
        for which in (number % 5, (number + 2) % 5):
            kind = Kind.COMPANY if which == 4 else Kind.COMMUNITY
            ownership = Ownership(fresh=number % 4, fresh_days=10 + 400 * (number % 2))
            yield Story("squatter", prefix, "refuse", told, ownership, kind, **proved[which])


def borrowed_names(world: World) -> Iterator[Story]:
    for number, prefix in enumerate(stories.BORROWED):
        told = "It trades on a known name that is not its own; that it bought a domain with it changes nothing."
        ownership = Ownership(fresh=number % 3, fresh_days=30 + 200 * (number % 3))
        yield Story("borrowed name", prefix, "refuse", told, ownership, domain=f"{prefix}.com", forge=prefix)


def misspelled(world: World) -> Iterator[Story]:
    for number, (prefix, meant) in enumerate(stories.MISSPELLED):
        told = f"It passes for {meant}; the domain was bought with the same misspelling."
        aged = Ownership(fresh=3, fresh_days=900) if number % 3 == 0 else Ownership(fresh=number % 2)
        yield Story("look-alike", prefix, "refuse", told, aged, domain=f"{prefix}.com", forge=prefix)


def word_squatters(world: World) -> Iterator[Story]:
    for number, prefix in enumerate(stories.WORDS):
        told = "Somebody with one project, or none, wants a word that belongs to everybody."
        ownership = Ownership(fresh=number % 2, fresh_days=90)
        yield Story("word", prefix, "refuse", told, ownership, Kind.COMMUNITY, forge=prefix)


def against_holders(world: World) -> Iterator[Story]:
    for number, prefix in enumerate(stories.HELD):
        told = "It overlaps with a namespace that somebody else holds."
        domain = f"{prefix}.com" if number % 2 else ""
        name = f"stranger{number}"
        yield Story("held by another", prefix, "refuse", told, Ownership(fresh=1), name=name, domain=domain)


def impostors(world: World) -> Iterator[Story]:
    for kind, prefix, _, _ in stories.STEWARDS[1::5]:
        told = "It only calls itself so: nothing is proved, and the projects are another's."
        yield Story("impostor", prefix, "refuse", told, Ownership(one_owner=True), kind)


def new_beside_old(world: World) -> Iterator[Story]:
    for number, (_, prefix, _, _) in enumerate(stories.STEWARDS[2::5]):
        told = "A new account on a forge is called like somebody else's projects, and put one of its own beside them."
        ownership = Ownership(fresh=1 + number % 3, fresh_days=20, one_owner=True)
        yield Story("newcomer", prefix, "refuse", told, ownership, Kind.COMMUNITY, forge=prefix)


def lost_proofs(world: World) -> Iterator[Story]:
    for kind, prefix, domain, forge in stories.STEWARDS[5::16]:
        told = "It lost the domain that it had proved, and somebody else may have it."
        ownership = Ownership(own=frozenset(world.under(prefix)))
        proof: dict[str, Any] = {"domain": domain, "forge": forge}
        yield Story("lost proof", prefix, "refuse", told, ownership, kind, proof_state=ProofState.LOST, **proof)


def out_of_standing(world: World) -> Iterator[Story]:
    for number, (_, prefix, domain, _) in enumerate(stories.STEWARDS[6:60:8]):
        told = "The organization is suspended or has not paid for long."
        ownership = Ownership(own=frozenset(world.under(prefix)))
        bad: dict[str, Any] = {"state": State.SUSPENDED} if number % 2 else {"standing": Standing.LAPSED}
        proved = domain or f"{prefix}.com"
        yield Story("out of standing", prefix, "refuse", told, ownership, domain=proved, **bad)


def reserved(world: World) -> Iterator[Story]:
    for prefix in stories.RESERVED:
        told = "It stands for something that is everybody's; a domain of that name does not make it one company's."
        yield Story("reserved", prefix, "refuse", told, Ownership(fresh=1), domain=f"{prefix}.io")


FAMILIES = (
    stewards,
    new_companies,
    inner_names,
    famous,
    single_projects,
    words_with_domain,
    conflicts,
    unknown_owners,
    flagged,
    short_names,
    lone_newcomers,
    young_domains,
    squatters,
    borrowed_names,
    misspelled,
    word_squatters,
    against_holders,
    impostors,
    new_beside_old,
    lost_proofs,
    out_of_standing,
    reserved,
)


def claims(world: World) -> Iterator[dict[str, Any]]:
    for family in FAMILIES:
        for number, story in enumerate(family(world)):
            yield {
                "family": story.family,
                "label": story.label,
                "reason": story.reason,
                "held_out": chance(f"{story.family} {story.prefix} {number}", 3) == 0,
                "inputs": inputs_of(story, world).as_json(),
            }


def pack(found: list[dict[str, Any]]) -> bytes:
    lines = ",\n".join(json.dumps(claim, ensure_ascii=True, separators=(",", ":")) for claim in found)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
        stream.write(f"[\n{lines}\n]\n".encode("ascii"))
    return packed.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogue", metavar="CATALOGUE", type=Path, help="the TSV file with the names")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the .json.gz file to write or replace")
    options = parser.parse_args(argv)
    found = list(claims(World(options.catalogue)))
    options.output.write_bytes(pack(found))
    print(f"{len(found)} claims, {sum(claim['held_out'] for claim in found)} of them held out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
