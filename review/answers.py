"""What reviewers usually write, as data: refusals, questions and approvals by kind of case.

Each refusal names the criteria on which it rests and says what would change it. ``%(namespace)s`` and
``%(organization)s`` stand for what the case is about. Reviewers choose one and may change every word.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from namespaces.cases import CaseKind, Ground
from namespaces.policy.evaluation import CommunityKey, Key


class Use(models.TextChoices):
    APPROVE = "approve", _("Approve")
    REFUSE = "refuse", _("Refuse")
    ASK = "ask", _("Ask")


@dataclass(frozen=True)
class Answer:
    """``title`` is for the reviewer; ``text`` and ``remedy``, what would change it, are for whom it is written to."""

    key: str
    kind: CaseKind
    use: Use
    title: Promise
    text: Promise
    remedy: Promise | None = None
    criteria: tuple[Key | CommunityKey | Ground, ...] = ()

    def filled(self, *, namespace: str, organization: str) -> str:
        """The whole text, about this case."""
        names = {"namespace": namespace, "organization": organization}
        return "\n\n".join(str(part) % names for part in (self.text, self.remedy) if part is not None)


def answers_for(kind: CaseKind, use: Use, open_criteria: Iterable[str] = ()) -> list[Answer]:
    """Those of the kind; first those whose criteria the case does not meet, the best fitting of them before others."""
    missing = set(open_criteria)
    found = [answer for answer in ANSWERS if answer.kind is kind and answer.use is use]
    return sorted(found, key=lambda answer: -_fit(answer, missing))


def _fit(answer: Answer, missing: set[str]) -> float:
    """The share of its criteria that are not met, so that one that says exactly what is wrong comes first."""
    named = {criterion.value for criterion in answer.criteria}
    return len(named & missing) / len(named) if named else 0


def answer_of(kind: CaseKind, key: str) -> Answer | None:
    return next((answer for answer in ANSWERS if answer.kind is kind and answer.key == key), None)


C, P, D = CaseKind.CLAIM, CaseKind.APPLICATION, CaseKind.DISPUTE

_CLAIMS: tuple[Answer, ...] = (
    Answer(
        "not-yours",
        C,
        Use.REFUSE,
        _("Nothing connects them with the name"),
        _("We could not see that “%(namespace)s” stands for %(organization)s: no proof of yours carries the name."),
        _(
            "Prove a domain, or an organization on a code forge, that is called “%(namespace)s”, or claim a prefix "
            "that your proofs carry already. Then file the claim again; it may be granted at once."
        ),
        (Key.IDENTIFIES,),
    ),
    Answer(
        "no-proof",
        C,
        Use.REFUSE,
        _("Nothing is proved yet"),
        _("Nothing proves yet who %(organization)s is, so we cannot keep “%(namespace)s” for it."),
        _("Prove a domain of yours on the page of proofs; it takes a few minutes. Then file the claim again."),
        (Key.PROOFS,),
    ),
    Answer(
        "others-there",
        C,
        Use.REFUSE,
        _("Too many projects of others"),
        _(
            "Many projects of other people stand under “%(namespace)s”. They could go on, but nobody else could begin "
            "a new one beside them, which would take the name from a community that uses it."
        ),
        _("Claim a longer prefix that is yours alone, such as one that begins with the name of %(organization)s."),
        (Key.OVERTAKEN,),
    ),
    Answer(
        "common",
        C,
        Use.REFUSE,
        _("A common word"),
        _("“%(namespace)s” is a word that many use for what they make. Such names stay open to everybody."),
        _("Claim a prefix that joins it with a name of your own, or that your domain carries."),
        (Key.COMMON,),
    ),
    Answer(
        "look-alike",
        C,
        Use.REFUSE,
        _("Looks like another name"),
        _("“%(namespace)s” could be mistaken for a name that others know and trust, and what is under it for theirs."),
        _("Claim a prefix that differs clearly. If the known name is yours, prove its domain and claim it again."),
        (Key.LOOK_ALIKE,),
    ),
    Answer(
        "too-short",
        C,
        Use.REFUSE,
        _("Too short"),
        _("“%(namespace)s” is so short that it stands for many things at once."),
        _("Claim a longer prefix. A short one needs a domain of exactly that name and projects in wide use under it."),
        (Key.LENGTH,),
    ),
    Answer(
        "reserved",
        C,
        Use.REFUSE,
        _("Reserved word"),
        _("“%(namespace)s” is kept free, since people would take what is under it for something official."),
        _("Claim a prefix that begins with your own name instead."),
        (Key.RESERVED,),
    ),
    Answer(
        "unused",
        C,
        Use.REFUSE,
        _("Not in use"),
        _("%(organization)s has no project under “%(namespace)s” yet, and nothing would be lost if it stayed open."),
        _("Publish a first project under it, or prove the domain of that name, and file the claim again."),
        (Key.IN_USE, Key.HARM),
    ),
    Answer(
        "held",
        C,
        Use.REFUSE,
        _("Somebody holds it"),
        _("“%(namespace)s”, or a name above or inside it, is held by another organization."),
        _("Ask its holder for a share or a transfer. If it should not be theirs, report it on the namespace's page."),
        (Key.AVAILABLE,),
    ),
    Answer(
        "not-in-order",
        C,
        Use.REFUSE,
        _("The organization is not in order"),
        _("%(organization)s cannot hold namespaces at present."),
        _("Settle what is open on the overview of the organization, then file the claim again."),
        (Key.STANDING,),
    ),
    Answer(
        "which-projects",
        C,
        Use.ASK,
        _("Which projects are theirs?"),
        _(
            "Which of the projects under “%(namespace)s” are yours? For those that stand under another account, please "
            "tell us whose it is and how it belongs to %(organization)s."
        ),
        criteria=(Key.OVERTAKEN, Key.IN_USE),
    ),
    Answer(
        "prove-name",
        C,
        Use.ASK,
        _("Ask for a proof of the name"),
        _(
            "Please prove a domain, or an organization on a code forge, that carries the name “%(namespace)s”. If "
            "there is none, tell us what connects %(organization)s with it."
        ),
        criteria=(Key.IDENTIFIES, Key.PROOFS),
    ),
    Answer(
        "what-for",
        C,
        Use.ASK,
        _("What is planned?"),
        _("What will %(organization)s publish under “%(namespace)s”, and by when?"),
        criteria=(Key.IN_USE, Key.HARM),
    ),
    Answer(
        "relation",
        C,
        Use.ASK,
        _("Relation to the known name"),
        _("“%(namespace)s” is close to a name that others use. How does %(organization)s stand to them?"),
        criteria=(Key.LOOK_ALIKE,),
    ),
    Answer(
        "welcome",
        C,
        Use.APPROVE,
        _("With a word on projects of others"),
        _(
            "The projects of others under “%(namespace)s” go on as before; their owners have been told. New ones are "
            "yours alone from now on. You can share the namespace with whom you like."
        ),
        criteria=(Key.OVERTAKEN,),
    ),
)

_APPLICATIONS: tuple[Answer, ...] = (
    Answer(
        "not-public",
        P,
        Use.REFUSE,
        _("Not developed in public"),
        _("We could not find where %(organization)s is developed in public."),
        _("Prove its organization on a code forge, with the repositories that people can read, and apply again."),
        (CommunityKey.FORGE, CommunityKey.PROOFS),
    ),
    Answer(
        "no-licence",
        P,
        Use.REFUSE,
        _("No open-source licence"),
        _("What %(organization)s publishes is not under a licence that the Open Source Initiative approves."),
        _("Put such a licence into the repositories, then apply again."),
        (CommunityKey.LICENCE,),
    ),
    Answer(
        "quiet",
        P,
        Use.REFUSE,
        _("Not alive"),
        _("Nothing has happened in the repositories of %(organization)s for a long time."),
        _("Apply again when there is work to be seen, or tell us in an appeal where it goes on."),
        (CommunityKey.ACTIVITY,),
    ),
    Answer(
        "no-users",
        P,
        Use.REFUSE,
        _("No users yet"),
        _("We could not see yet that others use what %(organization)s makes."),
        _("Apply again when it is in use. Until then, names that you publish under stay yours as any project's do."),
        (CommunityKey.USERS,),
    ),
    Answer(
        "business",
        P,
        Use.REFUSE,
        _("A business"),
        _("%(organization)s looks like a business rather than a project of a community."),
        _(
            "Keep it as a company; everything works the same. If a community or a nonprofit owns the project, have its "
            "fiscal sponsor vouch for it and apply again."
        ),
        (CommunityKey.INSTITUTION,),
    ),
    Answer(
        "name",
        P,
        Use.REFUSE,
        _("The name belongs to others"),
        _("The name of %(organization)s could be mistaken for that of others."),
        _("Rename the organization, or prove a domain or a place on a code forge that carries the name."),
        (CommunityKey.NAME,),
    ),
    Answer(
        "spoken-against",
        P,
        Use.REFUSE,
        _("Something speaks against it"),
        _("Something about %(organization)s has to be settled first."),
        _("See what is open on the overview of the organization, then apply again."),
        (CommunityKey.STANDING,),
    ),
    Answer(
        "where-developed",
        P,
        Use.ASK,
        _("Where is it developed?"),
        _("Where is %(organization)s developed, and who looks after it? A proof of its code forge helps most."),
        criteria=(CommunityKey.FORGE, CommunityKey.PROOFS, CommunityKey.ACTIVITY),
    ),
    Answer(
        "who-is-behind",
        P,
        Use.ASK,
        _("Who is behind it?"),
        _("Who owns %(organization)s, and does somebody earn money with it? Nonprofits and universities are welcome."),
        criteria=(CommunityKey.INSTITUTION,),
    ),
    Answer(
        "who-uses",
        P,
        Use.ASK,
        _("Who uses it?"),
        _("Who uses what %(organization)s makes? Name some projects or institutions that depend on it."),
        criteria=(CommunityKey.USERS,),
    ),
    Answer(
        "welcome",
        P,
        Use.APPROVE,
        _("With a word of welcome"),
        _("Welcome. Everything is free for %(organization)s. Once a year we look at public signals anew, with notice."),
    ),
)

_DISPUTES: tuple[Answer, ...] = (
    Answer(
        "upheld",
        D,
        Use.APPROVE,
        _("The report is right"),
        _(
            "We heard both sides. What was reported about “%(namespace)s” is so: %(organization)s cannot keep it. "
            "Projects that exist go on."
        ),
    ),
    Answer(
        "no-impersonation",
        D,
        Use.REFUSE,
        _("Nobody is impersonated"),
        _("We heard both sides. %(organization)s proved the name “%(namespace)s” and does not pass for anybody else."),
        _("If there is evidence that we have not seen, report it again with that."),
        (Ground.IMPERSONATION, Ground.DECEPTION),
    ),
    Answer(
        "no-mark",
        D,
        Use.REFUSE,
        _("The mark does not decide it"),
        _(
            "We heard both sides. Several may use the same word for different things, and %(organization)s had "
            "“%(namespace)s” in good faith."
        ),
        _("A decision of a court or of an arbitrator about the name would change this; send it to us."),
        (Ground.TRADEMARK,),
    ),
    Answer(
        "in-use",
        D,
        Use.REFUSE,
        _("It is in use"),
        _("We heard both sides. %(organization)s uses “%(namespace)s”, or has said by when it will."),
        _("If nothing has happened a year from now, report it again."),
        (Ground.ABANDONED,),
    ),
    Answer(
        "no-harm",
        D,
        Use.REFUSE,
        _("No harm was found"),
        _("We looked at what is published under “%(namespace)s” and found nothing that does harm."),
        _("A single project that does harm is reported to the index. If it goes on, report the namespace again."),
        (Ground.ABUSE,),
    ),
    Answer(
        "hear-holder",
        D,
        Use.ASK,
        _("Hear the holder"),
        _(
            "Somebody reports that %(organization)s should not hold “%(namespace)s”. What do you say to it? Nothing "
            "is decided before you were heard."
        ),
    ),
    Answer(
        "evidence",
        D,
        Use.ASK,
        _("Ask for evidence"),
        _("What shows that it is as you say? Links to what everybody can look at help most."),
    ),
)

ANSWERS: tuple[Answer, ...] = (*_CLAIMS, *_APPLICATIONS, *_DISPUTES)
