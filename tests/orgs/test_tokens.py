"""Service tokens: their form, what is stored of them, when they open and when no longer."""

from __future__ import annotations

import hashlib
import re
import zlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from freehold.errors import Invalid, NotPermitted
from orgs import tokens, usage
from orgs.actors import Actor
from orgs.api.authentication import bearer
from orgs.models import AuditEvent, ServiceToken
from orgs.selectors import usable_token
from orgs.services.service_tokens import create_service_token, revoke_service_token
from orgs.vocabulary import Scope
from tests import factories
from tests.dump import dump, nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as

# Made once and written down: the form must never change, or tokens that are out would stop to work.
KNOWN = "fh_s0123456789ABCDEFGHIJKLMNOPQRSTUV4UCH5i"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def value_of(digits: str) -> int:
    return sum(DIGITS.index(digit) * 62**place for place, digit in enumerate(reversed(digits)))


class TestForm:
    def test_a_token(self) -> None:
        token = tokens.generate()
        assert re.fullmatch(r"fh_s[0-9A-Za-z]{38}", token)
        assert tokens.is_well_formed(token)

    def test_one_that_is_out_stays_well_formed(self) -> None:
        assert tokens.is_well_formed(KNOWN)

    def test_the_checksum_is_crc_32_in_base_62(self) -> None:
        for _ in range(50):
            token = tokens.generate()
            assert value_of(token[-6:]) == zlib.crc32(token[:-6].encode())

    def test_no_two_are_alike(self) -> None:
        assert len({tokens.generate() for _ in range(500)}) == 500

    def test_its_type_is_in_it(self) -> None:
        assert tokens.generate("u").startswith("fh_u")

    @given(st.integers(0, len(KNOWN) - 1), st.sampled_from(DIGITS + "-_ \n\u212a\u0661"))
    def test_one_letter_changed_is_no_token(self, place: int, letter: str) -> None:
        changed = KNOWN[:place] + letter + KNOWN[place + 1 :]
        assert tokens.is_well_formed(changed) is (changed == KNOWN)

    @pytest.mark.parametrize("text", ["", "fh_s", KNOWN[:-1], KNOWN + "0", KNOWN + "\n", " " + KNOWN, KNOWN.upper()])
    def test_what_is_none(self, text: str) -> None:
        assert not tokens.is_well_formed(text)

    def test_a_scanner_finds_one_in_a_text(self) -> None:
        found = tokens.PATTERN.search(f"TOKEN={KNOWN}\nOTHER=1")
        assert found is not None
        assert (found.group(), found["type"]) == (KNOWN, "s")

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_it_comes_in_a_header(self, scheme: str) -> None:
        assert bearer(f"{scheme} {KNOWN}") == KNOWN

    @pytest.mark.parametrize("header", ["", "Bearer", KNOWN, f"Basic {KNOWN}", f"Bearer  {KNOWN}", f"Bearer {KNOWN} x"])
    def test_no_other_header_has_one(self, header: str) -> None:
        assert bearer(header) is None


def create(*scopes: Scope, days: int | None = None, name: str = "index") -> str:
    expires_at = None if days is None else timezone.now() + timedelta(days=days)
    return create_service_token(actor=Actor.operator(), name=name, scopes=scopes or tuple(Scope), expires_at=expires_at)


def stored() -> ServiceToken:
    return ServiceToken.objects.get()


@pytest.mark.django_db
class TestMaking:
    def test_only_its_hash_is_stored(self) -> None:
        token = create(Scope.CHECK)
        assert bytes(stored().digest) == hashlib.sha256(token.encode()).digest()
        assert stored().hint == token[-4:]
        everything = repr(dump())
        assert token not in everything
        assert token[4:-6] not in everything

    def test_the_trail_says_what_it_may(self) -> None:
        create(Scope.FEED, Scope.CHECK)
        event = AuditEvent.objects.get()
        assert (event.action, event.target) == ("token.created", "service token index")
        assert event.after == {"scopes": ["check", "feed"]}

    @pytest.mark.parametrize("who", [who for who in EVERYBODY if who != OPERATOR])
    def test_only_the_operator_does(self, who: str) -> None:
        actor = acting_as(who, factories.organization())
        with nothing_changes(), pytest.raises(NotPermitted):
            create_service_token(actor=actor, name="index", scopes=[Scope.CHECK])

    def test_not_without_a_scope(self) -> None:
        with nothing_changes(), pytest.raises(Invalid, match="at least one scope"):
            create_service_token(actor=Actor.operator(), name="index", scopes=[])

    @pytest.mark.parametrize("name", ["", "a" * 101, "a\nb", "a\x00"], ids=ascii)
    def test_not_without_a_proper_name(self, name: str) -> None:
        with nothing_changes(), pytest.raises(Invalid, match="1 to 100 printable characters"):
            create(name=name)

    @pytest.mark.parametrize("days", [0, -1])
    def test_not_one_that_has_expired(self, days: int) -> None:
        with nothing_changes(), pytest.raises(Invalid, match="expire in the future"):
            create(days=days)

    @pytest.mark.parametrize("scopes", [[], ["admin"], ["check", "admin"]])
    def test_the_database_knows_no_other_scope(self, scopes: list[str]) -> None:
        create()
        with pytest.raises(IntegrityError, match="service_token_scopes_known"), transaction.atomic():
            ServiceToken.objects.update(scopes=scopes)


@pytest.mark.django_db
class TestOpening:
    def opens(self, token: str) -> bool:
        return usable_token(tokens.digest(token)) is not None

    def test_one_that_is_known(self) -> None:
        assert self.opens(create())
        assert not self.opens(tokens.generate())

    def test_until_it_expires(self) -> None:
        token = create(days=1)
        assert self.opens(token)
        ServiceToken.objects.update(expires_at=timezone.now())
        assert not self.opens(token)

    def test_until_it_is_revoked(self) -> None:
        token, other = create(), create(name="other")
        revoke_service_token(actor=Actor.operator(), token=ServiceToken.objects.get(name="index"))
        assert not self.opens(token)
        assert self.opens(other)
        event = AuditEvent.objects.order_by("pk").last()
        assert event is not None
        assert (event.action, event.target) == ("token.revoked", "service token index")

    def test_revoking_again_changes_nothing(self) -> None:
        create()
        revoke_service_token(actor=Actor.operator(), token=stored())
        with nothing_changes():
            revoke_service_token(actor=Actor.operator(), token=stored())

    @pytest.mark.parametrize("who", [who for who in EVERYBODY if who != OPERATOR])
    def test_only_the_operator_revokes(self, who: str) -> None:
        create()
        actor = acting_as(who, factories.organization())
        with nothing_changes(), pytest.raises(NotPermitted):
            revoke_service_token(actor=actor, token=stored())


@pytest.mark.django_db
class TestLastUse:
    def use(self) -> int:
        """One use, and how many rows were written for it."""
        usage.token_used(stored().pk, stored().last_used_at)
        return usage.backlog.flush()

    def test_it_is_noted(self) -> None:
        create()
        before = timezone.now()
        assert self.use() == 1
        last_used_at = stored().last_used_at
        assert last_used_at is not None
        assert before <= last_used_at <= timezone.now()

    def test_again_only_after_five_minutes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        create()
        start = timezone.now()
        noted = []
        for seconds in (0, 1, 299, 300, 301, 601):
            monkeypatch.setattr("django.utils.timezone.now", lambda seconds=seconds: start + timedelta(seconds=seconds))
            noted.append(self.use())
        assert noted == [1, 0, 0, 1, 0, 1]

    def test_another_process_that_has_noted_it_counts(self) -> None:
        create()
        ServiceToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=4))
        assert self.use() == 0

    def test_each_token_for_itself(self) -> None:
        ids = []
        for name in ("one", "other"):
            create(name=name)
            ids.append(ServiceToken.objects.get(name=name).pk)
        for pk in ids * 2:
            usage.token_used(pk, None)
        assert usage.backlog.flush() == 2

    def test_using_is_no_event(self) -> None:
        create()
        self.use()
        assert list(AuditEvent.objects.values_list("action", flat=True)) == ["token.created"]
