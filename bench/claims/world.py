"""What a catalogue of a package index says of names, in memory: for making labelled claims.

The catalogue has neither owners nor first uploads nor downloads. Who owns what is part of each claim's story; a first
upload is set some months before the newest release, by the name's hash; downloads follow from the rank, as a power law.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from bench.draw_sample import Project, read_catalogue
from namespaces import names
from namespaces.policy import lookalikes
from namespaces.policy.inputs import RECENT_DAYS, NearName, Projects, Source, Whose
from namespaces.policy_data import reserved_words
from orgs.names import folded

TODAY = date(2026, 11, 1)
MANY, OFTEN, NEAR = 10, 100_000, 12  # as namespaces_popular and policy_facts have it


def chance(text: str, sides: int) -> int:
    """A number below ``sides`` that is always the same for the text."""
    return zlib.crc32(text.encode()) % sides


@dataclass(frozen=True)
class Ownership:
    """Who owns what under a prefix, in a story: all else is others'. ``fresh`` are projects made up for it."""

    own: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    fresh: int = 0
    fresh_days: int = 10
    one_owner: bool = False
    """All others' projects are one owner's."""
    later: bool = False
    """The others came after the applicant."""


class World:
    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as lines:
            catalogue = read_catalogue(lines)
        self.projects = {project.name: project for project in catalogue.projects}
        self.names = sorted(self.projects)
        self.popular = dict(self._popular())
        self._by_fold: dict[str, list[str]] = defaultdict(list)
        self._by_piece: dict[str, list[str]] = defaultdict(list)
        for name in self.popular:
            self._by_fold[folded(name)].append(name)
            for piece in lookalikes.pieces(lookalikes.flat(name)):
                self._by_piece[piece].append(name)

    def _popular(self) -> Iterable[tuple[str, tuple[int, int]]]:
        counts: Counter[str] = Counter()
        downloads: Counter[str] = Counter()
        for name in self.names:
            around = names.prefixes(name)
            for prefix in {*around[:3], name}:
                counts[prefix] += 1
                if self.projects[name].rank:
                    downloads[prefix] += self.downloads(name)
        for prefix, count in counts.items():
            if count >= MANY or downloads[prefix] >= OFTEN:
                yield prefix, (count, downloads[prefix])

    def under(self, prefix: str) -> list[str]:
        low, high = bisect_left(self.names, prefix), bisect_left(self.names, names.interval(prefix)[1])
        return [name for name in self.names[low:high] if names.covers(prefix, name)]

    def ranked(self, prefix: str) -> list[str]:
        return [name for name in self.under(prefix) if self.projects[name].rank]

    def downloads(self, name: str) -> int:
        """In thirty days: about 1.2 thousand million for the first, 66 thousand for the last that is ranked."""
        rank = self.projects[name].rank if name in self.projects else 0
        return int(1.2e9 / (rank + 20) ** 1.02) if rank else 200

    def first_upload(self, name: str) -> date:
        project: Project = self.projects[name]
        newest = date.fromisoformat(project.first_uploaded[:10]) if project.first_uploaded else TODAY
        return max(date(2008, 1, 1), newest - timedelta(days=30 * (1 + chance(name, 72))))

    def facts(self, prefix: str, story: Ownership) -> Projects:
        """The projects under the prefix as ``policy_facts`` would count them, if the story is true."""
        under = self.under(prefix)
        mine = [name for name in under if name in story.own | story.people]
        others = [name for name in under if name not in story.own | story.people]
        firsts = [self.first_upload(name) for name in mine]
        firsts += [TODAY - timedelta(days=story.fresh_days)] * bool(story.fresh)
        own_first = min(firsts, default=None)
        floor = own_first + timedelta(days=200) if own_first and story.later else date(2008, 1, 1)
        outside = sorted(min(TODAY, max(floor, self.first_upload(name))) for name in others)
        known = [name for name in others if name not in story.unknown]
        return Projects(
            own=len([name for name in mine if name in story.own]) + story.fresh,
            people=len([name for name in mine if name in story.people]),
            outside=len(known),
            unknown=len(others) - len(known),
            outside_owners=min(len(known), 1) if story.one_owner else -(-len(known) * 7 // 10),
            outside_recent=sum((TODAY - first).days <= RECENT_DAYS for first in outside),
            outside_first=outside[0] if outside else None,
            outside_last=outside[-1] if outside else None,
            own_first=own_first,
            own_downloads=sum(map(self.downloads, mine)) + 30 * story.fresh if mine or story.fresh else None,
            outside_downloads=sum(map(self.downloads, others)) if others else None,
            namesake=self._namesake(prefix, mine, known),
            examples=tuple(others[:3]),
        )

    def _namesake(self, prefix: str, mine: list[str], known: list[str]) -> Whose:
        if prefix not in self.projects:
            return Whose.NOBODY
        return Whose.APPLICANT if prefix in mine else Whose.OTHER if prefix in known else Whose.UNKNOWN

    def near(self, prefix: str, owned: frozenset[str], grants: dict[str, str], me: str) -> tuple[NearName, ...]:
        """Popular names and grants like the prefix, as ``policy_facts`` would find them."""
        keys = lookalikes.search_keys(lookalikes.flat(prefix))
        found = {name for key in keys for name in self._by_piece.get(key, [])}
        found |= {name for key in lookalikes.inner_keys(prefix) for name in self._by_fold.get(key, [])}
        candidates = [self._popular_near(prefix, name, owned) for name in found]
        candidates += [
            NearName(
                name=name,
                source=Source.GRANT,
                likeness=match.likeness,
                distance=match.distance,
                mine=owner == me,
                owner=owner,
            )
            for name, owner in grants.items()
            if not names.overlap(prefix, name) and (match := lookalikes.compare(prefix, name))
        ]
        return tuple(lookalikes.closest([near for near in candidates if near], NEAR))

    def _popular_near(self, prefix: str, name: str, owned: frozenset[str]) -> NearName | None:
        match = lookalikes.compare(prefix, name)
        if match is None or lookalikes.is_everybodys(match, name, reserved_words()):
            return None
        count, downloads = self.popular[name]
        own = len(owned & set(self.under(name))) if owned else 0
        near = NearName(
            name=name,
            source=Source.POPULAR,
            likeness=match.likeness,
            distance=match.distance,
            projects=count,
            own=own,
            downloads=downloads or None,
        )
        return replace(near, mine=2 * own > count)
