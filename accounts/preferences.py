"""Which mails a person wants: choosing, stopping by a signed link without signing in, and keeping to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.urls import reverse

from accounts.models import MailPreference, User
from accounts.outbox import queue_mail
from accounts.topics import Topic, optional

_signer = Signer(salt="accounts.preferences.stop")


# --- Choosing ---------------------------------------------------------------------------------------------------------


def wants(user: User, topic: Topic) -> bool:
    """Whether mails of the topic go to the user; of one that can't be switched off they always do."""
    return bool(wanting([user], topic))


def wanting(users: Iterable[User], topic: Topic) -> list[User]:
    """Those of the users to whom mails of the topic go."""
    everybody, about = list(users), topic.about
    if about.why:
        return everybody
    chosen = dict(MailPreference.objects.filter(user__in=everybody, topic=topic).values_list("user_id", "wanted"))
    return [
        user for user in everybody if chosen.get(user.pk, about.usual) and (user.is_staff or not about.is_for_staff)
    ]


def chosen_by(user: User) -> dict[Topic, bool]:
    """What can be switched off, and whether the user has it on."""
    rows = dict(MailPreference.objects.filter(user=user).values_list("topic", "wanted"))
    return {topic: rows.get(topic.value, topic.about.usual) for topic in optional(staff=user.is_staff)}


@transaction.atomic
def choose(*, user: User, wanted: Collection[Topic]) -> None:
    """Have mails of these topics, and of no others that can be switched off."""
    for topic in optional(staff=user.is_staff):
        _set(user, topic, topic in wanted)


def _set(user: User, topic: Topic, wanted: bool) -> None:
    MailPreference.objects.update_or_create(user=user, topic=topic, defaults={"wanted": wanted})


# --- Stopping by a link -----------------------------------------------------------------------------------------------


def stop_url(user: User, topic: Topic) -> str:
    """Where the user stops mails of the topic: whoever has the address may, and may do nothing else with it."""
    return settings.FREEHOLD_URL + reverse("account-mails-stop", args=[stop_token(user, topic)])


def stop_token(user: User, topic: Topic) -> str:
    """Good for ever: a mail may be read years later, and then, too, it must be possible to stop them."""
    return _signer.sign(f"{user.pk}.{topic.value}")


def read_stop_token(token: str) -> tuple[User, Topic] | None:
    """Whose mails of which topic the address stops; None for an address that we did not make."""
    try:
        number, _, topic = _signer.unsign(token).partition(".")
    except BadSignature:
        return None
    user = User.objects.filter(pk=number).first()
    return (user, Topic(topic)) if user is not None and topic in Topic.values else None


def stop(*, user: User, topic: Topic) -> None:
    """No more mails of the topic. For a mail that one can't switch off nobody gets such an address."""
    if not topic.about.why:
        _set(user, topic, wanted=False)


# --- Keeping to it ----------------------------------------------------------------------------------------------------


def mail_people(
    users: Iterable[User], *, topic: Topic, template: str, context: dict[str, Any], key: str | None = None
) -> None:
    """Queue one mail to each of them who wants such mails; with a ``key``, to nobody twice."""
    for user in wanting(users, topic):
        queue_mail(
            to=user.email,
            template=template,
            context={"person": user, **context},
            key=f"{key}:{user.pk}" if key else None,
            stop_url="" if topic.about.why else stop_url(user, topic),
        )
