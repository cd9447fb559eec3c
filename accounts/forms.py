"""Forms of the account's own pages, and allauth's in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.forms import (
    AddEmailForm,
    ChangePasswordForm,
    ConfirmEmailVerificationCodeForm,
    LoginForm,
    ReauthenticateForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
    SetPasswordForm,
    SignupForm,
)
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as MFAReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
    SignupWebAuthnForm,
)
from django import forms
from django.core.cache import cache
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.profile import NAME_LENGTH
from accounts.topics import Topic


class ProfileForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        help_text=_("How others in your organizations see you. Without a name they see your e-mail address."),
        max_length=NAME_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class MailsForm(forms.Form):
    """A box for each topic that can be switched off."""

    def __init__(self, chosen: Mapping[Topic, bool], data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        for topic, wanted in chosen.items():
            self.fields[topic.value] = forms.BooleanField(
                label=topic.label, help_text=str(topic.about.description), initial=wanted, required=False
            )

    def wanted(self) -> set[Topic]:
        return {Topic(name) for name, ticked in self.cleaned_data.items() if ticked}


LABELS = {
    "email": _("E-mail address"),
    "login": _("E-mail address"),
    "password": _("Password"),
    "oldpassword": _("Current password"),
    "password1": _("New password"),
    "password2": _("New password again"),
    "code": _("Code"),
}


class Plain:
    """Before a form of allauth: our words. Labels stand above fields, so nothing need be said again inside them."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = LABELS.get(name, field.label)
            field.help_text = ""
            field.widget.attrs.pop("placeholder", None)


class SignInForm(Plain, LoginForm):  # type: ignore[misc]  # allauth has no types
    pass


class CreateAccountForm(Plain, SignupForm):  # type: ignore[misc]  # as above
    """By password, or by passkey, which asks for the address alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].help_text = _("We send a code to it, to see that it is yours.")
        if "password1" in self.fields:
            self.fields["password1"].label = _("Password")
            self.fields["password1"].help_text = _("At least 10 characters. A few words that you make up are best.")


class AddressForm(Plain, AddEmailForm):  # type: ignore[misc]  # as above
    pass


class ForgotPasswordForm(Plain, ResetPasswordForm):  # type: ignore[misc]  # as above
    pass


class NewPasswordForm(Plain, ResetPasswordKeyForm):  # type: ignore[misc]  # as above
    pass


class PasswordForm(Plain, ChangePasswordForm):  # type: ignore[misc]  # as above
    pass


class FirstPasswordForm(Plain, SetPasswordForm):  # type: ignore[misc]  # as above
    pass


class ConfirmByPasswordForm(Plain, ReauthenticateForm):  # type: ignore[misc]  # as above
    pass


class AddressCodeForm(Plain, ConfirmEmailVerificationCodeForm):  # type: ignore[misc]  # as above
    pass


class AppForm(Plain, ActivateTOTPForm):  # type: ignore[misc]  # as above
    pass


class UsedOnce:
    """Before a form that takes a code. allauth remembers a used one for one step of the app, and takes it for as many
    more as the clocks may differ."""

    user: User

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]  # of the form beside it
        seconds = mfa_settings.TOTP_PERIOD * (2 * mfa_settings.TOTP_TOLERANCE + 1)
        if not cache.add(f"second-step:{self.user.pk}:{normalize_user_code(code)}", True, seconds):
            raise get_adapter().validation_error("incorrect_code")
        return code


class SecondStepCodeForm(UsedOnce, Plain, AuthenticateForm):  # type: ignore[misc]  # as above
    pass


class ConfirmByCodeForm(UsedOnce, Plain, MFAReauthenticateForm):  # type: ignore[misc]  # as above
    pass


class FromBrowser:
    """Before a form that takes what a browser's authenticator said. allauth breaks off where that has another shape."""

    data: Mapping[str, Any]

    def full_clean(self) -> None:
        try:
            super().full_clean()  # type: ignore[misc]  # of the form beside it
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            self.cleaned_data: dict[str, Any] = {}
            self.data = {**self.data, "credential": ""}  # it is not to be drawn again either
            self.add_error(None, gettext("That did not come from a passkey. Try again."))  # type: ignore[attr-defined]  # as above


class SignInByPasskeyForm(FromBrowser, LoginWebAuthnForm):  # type: ignore[misc]  # as above
    pass


class SecondStepForm(FromBrowser, AuthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    pass


class ConfirmByPasskeyForm(FromBrowser, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    pass


class PasskeyNameForm:
    """A passkey's name is for telling it from others later."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name = self.fields["name"]
        name.label, name.help_text = _("Name of the passkey"), _("To tell it from others, such as “Work laptop”.")
        name.max_length = 100  # type: ignore[attr-defined]  # it is a CharField
        name.validators.append(MaxLengthValidator(100))
        name.widget.attrs["maxlength"] = "100"


class AddPasskeyForm(FromBrowser, PasskeyNameForm, AddWebAuthnForm):  # type: ignore[misc]  # as above
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        box = self.fields["passwordless"]
        box.initial, box.label = True, _("Sign in with it alone")
        box.help_text = _("Without a password. Untick it for a security key that is to be a second step only.")


class SignUpPasskeyForm(FromBrowser, PasskeyNameForm, SignupWebAuthnForm):  # type: ignore[misc]  # as above
    pass


class RenamePasskeyForm(PasskeyNameForm, EditWebAuthnForm):  # type: ignore[misc]  # as above
    pass
