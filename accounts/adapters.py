"""Where allauth asks what is ours to decide: mail, who may remove a second factor, whom an identity provider is."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils.translation import gettext

from accounts import freshness, guards, identity, letters, qr, sealed
from accounts.access import viewer_of
from accounts.freshness import is_fresh
from accounts.identity_providers import IdentityProvider
from accounts.models import User
from accounts.provider import shown_at, was_asked_anew
from freehold.errors import DomainError
from freehold.pages import private_page

EMAIL_LENGTH = 254
SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> Any:
        """Who has just signed up has shown who they are, which allauth does not write down. Who comes from a provider
        has shown it when they did there."""
        if not get_authentication_records(request, user):
            record_authentication(request, user, "sign-up")
        if sociallogin := (kwargs.get("signal_kwargs") or {}).get("sociallogin"):
            self._came_from_provider(request, sociallogin)
        return super().post_login(request, user, **kwargs)

    def _came_from_provider(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Who was asked for to sign in anew, and was let through without, is told so: they would be asked for ever."""
        asked = was_asked_anew(sociallogin.state)
        freshness.date_sign_in(request, shown_at(claims_of(sociallogin), asked_anew=asked, now=time.time()))
        if asked and not is_fresh(request):
            provider = settings.FREEHOLD_IDENTITY_PROVIDERS[sociallogin.account.provider]
            told = gettext(
                "%(name)s let you through without asking who you are, so we can’t take it for a confirmation. Sign out"
                " there and try again, or choose a password here."
            )
            messages.warning(request, told % {"name": provider.name})

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        self.render_mail(template_prefix, email, {**context, "email": email}).send()

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMessage:
        """As all our mail is made: one text, from which the HTML follows (``accounts.letters``)."""
        letter = letters.render(template_prefix, context)
        message = EmailMultiAlternatives(letter.subject, letter.text, self.get_from_email(), [email], headers=headers)
        message.attach_alternative(letter.html, "text/html")
        return message

    def clean_email(self, email: str) -> str:
        """allauth would cut an address that is too long, and make it somebody else's."""
        if len(email) > EMAIL_LENGTH:
            raise ValidationError(gettext("An e-mail address has at most %(n)s characters.") % {"n": EMAIL_LENGTH})
        return email

    def is_safe_url(self, url: str | None) -> bool:
        """allauth breaks off at what no parser takes for an address, such as ``https://[``."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def unstash_verified_email(self, request: HttpRequest) -> None:
        """An address that an invitation's link proved counts when somebody signs up with it; beside another it is not
        added, or a planted link would lend an account an address of somebody else."""

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who has just signed in has just shown who they are, and is not asked twice."""
        return not is_fresh(self.request)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # as above
    def encrypt(self, text: str) -> str:
        return sealed.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealed.unseal(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Not the last second factor of somebody who must have one. Call it with the user's row locked."""
        return not self.why_not_delete(authenticator)

    def why_not_delete(self, authenticator: Authenticator) -> str:
        """The reason in one sentence, or ""."""
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=SECOND_FACTORS)
        if others.exclude(pk=authenticator.pk).exists():
            return ""
        return guards.why_second_factor(authenticator.user)

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002 -- allauth's name
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey %(number)s") % {"number": number} if number > 1 else gettext("Passkey")

    def build_totp_svg(self, url: str) -> str:
        return qr.svg(url)

    def _get_site_name(self) -> str:
        return "Freehold"


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # as above
    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        """Those of the operator's settings; none that somebody wrote into the database."""
        return [app for app in super().list_apps(request, provider, client_id) if app.pk is None]

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Decide what the provider's word is worth before anything is done with it."""
        provider = settings.FREEHOLD_IDENTITY_PROVIDERS[sociallogin.account.provider]
        try:
            if provider.is_index:
                self._from_index(request, sociallogin, provider)
            else:
                self._from_company(request, sociallogin, provider)
        except DomainError as error:
            raise refused(request, error) from error

    def _from_index(self, request: HttpRequest, sociallogin: SocialLogin, provider: IdentityProvider) -> None:
        """It vouches for its user names. An e-mail address that it names is verified by us, as any other."""
        username = identity.clean_username(claims_of(sociallogin).get(provider.claim))
        for address in sociallogin.email_addresses:
            address.verified = False
        connecting = sociallogin.state.get("process") == AuthProcess.CONNECT
        identity.refuse_taken(user=viewer_of(request) if connecting else _existing(sociallogin), username=username)
        if sociallogin.is_existing and not connecting:
            link_from_index(sociallogin.user, username)  # it may have been renamed there

    def _from_company(self, request: HttpRequest, sociallogin: SocialLogin, provider: IdentityProvider) -> None:
        """It vouches for addresses under its domains, and for an account by such an address that is verified here."""
        if sociallogin.is_existing:
            return
        email = vouched_address(sociallogin, provider)
        sociallogin.email_addresses = [EmailAddress(email=email, verified=True, primary=True)]
        if sociallogin.state.get("process") != AuthProcess.CONNECT:
            owner = _owner_of(email)
            if owner is not None:
                sociallogin.connect(request, owner)

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: BaseForm | None = None) -> User:
        """A new account with its name on the index, or neither."""
        username = index_username_of(sociallogin)
        try:
            with transaction.atomic():
                user: User = super().save_user(request, sociallogin, form)
                if username:
                    link_from_index(user, username)
        except DomainError as error:
            raise refused(request, error) from error
        return user

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        user.name = str(data.get("name") or "")[:200].replace("\0", "")
        return user


def claims_of(sociallogin: SocialLogin) -> dict[str, Any]:
    """What the signed ID token said (``accounts.provider``)."""
    claims: dict[str, Any] = sociallogin.account.extra_data.get("id_token", {})
    return claims


def index_username_of(sociallogin: SocialLogin) -> str:
    """The name that the index gave, "" when it is a company that speaks."""
    provider = settings.FREEHOLD_IDENTITY_PROVIDERS[sociallogin.account.provider]
    return identity.clean_username(claims_of(sociallogin).get(provider.claim)) if provider.is_index else ""


def link_from_index(user: User, username: str) -> None:
    """Link, and tell of it when it is new."""
    before = identity.link(user=user, username=username)
    if before != username:
        guards.security_event(user, "identity.linked", before=before, after=username, by="sign-in")


def vouched_address(sociallogin: SocialLogin, provider: IdentityProvider) -> str:
    """The address that the provider verified and may vouch for. Raises ``DomainError`` when there is none."""
    claims = claims_of(sociallogin)
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise DomainError(
            gettext("%(name)s does not say that your e-mail address is verified, so nobody can be signed in by it.")
            % {"name": provider.name}
        )
    if not provider.vouches_for(email):
        raise DomainError(
            gettext("%(name)s may only sign in people of %(domains)s, and your address there is %(email)s.")
            % {"name": provider.name, "domains": ", ".join(sorted(provider.domains)), "email": email}
        )
    return email.lower()


def _existing(sociallogin: SocialLogin) -> User | None:
    return sociallogin.user if sociallogin.is_existing else None


def _owner_of(email: str) -> User | None:
    """Whose verified address it is. Raises ``DomainError`` where somebody has it without having verified it."""
    address = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
    if address is not None:
        return User.objects.get(pk=address.user_id)
    if EmailAddress.objects.filter(email=email).exists() or User.objects.with_email(email).exists():
        raise DomainError(
            gettext(
                "There is an account here for %(email)s that never proved to own that address. Reset its password to"
                " make it yours, then connect your company's sign-in from its account page."
            )
            % {"email": email}
        )
    return None


def refused(request: HttpRequest, error: DomainError) -> ImmediateHttpResponse:
    """A page that says why, in place of whatever allauth would have done."""
    page = private_page(request, "accounts/sign_in_refused.html", {"reason": error.message}, status=error.status)
    return ImmediateHttpResponse(page)
