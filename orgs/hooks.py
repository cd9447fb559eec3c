"""What other apps have to say or do when an organization changes: ``orgs`` knows none of them, so they enter themselves
here as they start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import User
from orgs.actors import Actor
from orgs.models import Organization, Proof, Team

closing_blockers: list[Callable[[Organization], str]] = []
"""Each says in one sentence why the organization can't be closed yet, or nothing. Asked under its lock."""

on_closing: list[Callable[[Actor, Organization], None]] = []
"""Called in the transaction that closes the organization, before its people leave it."""

on_activated: list[Callable[[Actor, Organization], None]] = []
"""Called in the transaction in which the organization becomes active, or a community project, under its lock."""

on_proof_verified: list[Callable[[Actor, Proof], None]] = []
"""Called in the transaction in which a proof comes to count, or what made it doubtful is taken away."""

on_renamed: list[Callable[[Actor, Organization, str], None]] = []
"""Called in the transaction of the renaming, with the name before."""

on_deleting_team: list[Callable[[Actor, Team], None]] = []
"""Called in the transaction that deletes the team, while it still has its members and its rights."""

# --- What other apps know of an organization, for its pages -----------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """A line on the overview: what it is called, what it is, where there is more."""

    label: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class Step:
    """Something to do next. ``hint`` says in a sentence why; ``url`` is where it is done."""

    text: str
    url: str = ""
    hint: str = ""
    done: bool = False


@dataclass(frozen=True)
class Listing:
    """Names under a heading of the public profile, each with its page; ``more`` is how many are left out."""

    heading: str
    links: tuple[tuple[str, str], ...]
    more: int = 0


overview_facts: list[Callable[[Organization], list[Fact]]] = []
"""For the organization's members."""

next_steps: list[Callable[[Organization], list[Step]]] = []
"""For those who may act for the organization in everything: what is not done yet, and what is."""

questions: list[Callable[[User], list[Step]]] = []
"""For a person: what others wait for them to answer, what waits longest first."""

publishing_teams: list[Callable[[Organization], set[int]]] = []
"""The ids of its teams that may publish new projects somewhere."""

profile_listings: list[Callable[[Organization], list[Listing]]] = []
"""For everybody: nothing that is not public."""

profile_facts: list[Callable[[Organization], list[Fact]]] = []
"""For everybody, as above."""
