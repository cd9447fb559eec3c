"""Accounts in Chromium: every page, and the ways through them with a passkey, an app, and a code by mail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import override_settings
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts import identity_providers
from accounts.identity_providers import IdentityProvider
from accounts.models import Mail, User
from tests.accounts.people import Person, code_in, code_of, mails_to
from tests.browser.walk import Complaints, Visit, every_way, every_window, in_browser, open_context, walk

pytestmark = in_browser

PROVIDERS = {
    "index": IdentityProvider("index", "The Index", "http://127.0.0.1:9", "a", "b", claim="preferred_username"),
    "acme": IdentityProvider("acme", "Acme", "http://127.0.0.1:9", "c", "d", frozenset({"acme.example"})),
}
TWO_STEP = "/accounts/two-step"

WAYS_IN = (
    Visit("account_login", "/accounts/login/?next=/namespaces/"),
    Visit("account_signup", "/accounts/signup/"),
    Visit("account_signup_by_passkey", "/accounts/signup/passkey/"),
    Visit("account_reset_password", "/accounts/password/reset/"),
    Visit("account_reset_password_done", "/accounts/password/reset/done/"),
    Visit("account_reset_password_from_key", "/accounts/password/reset/key/1-bad/"),
    Visit("account_reset_password_from_key_done", "/accounts/password/reset/key/done/"),
    Visit("account_inactive", "/accounts/inactive/"),
    Visit("openid_connect_login", "/accounts/oidc/acme/login/"),
    Visit("openid_connect_callback", "/accounts/oidc/acme/login/callback/", 401),
    Visit("socialaccount_login_cancelled", "/accounts/connected/login/cancelled/"),
    Visit("socialaccount_login_error", "/accounts/connected/login/error/", 401),
    Visit("demo-mails", "/demo/mail/"),
    Visit("demo-people", "/demo/people/"),
    Visit("demo-mail", "/demo/mail/{mail}/"),
)
ACCOUNT = (
    Visit("account-profile", "/accounts/profile/"),
    Visit("account_email", "/accounts/email/"),
    Visit("account_change_password", "/accounts/password/change/"),
    Visit("account_logout", "/accounts/logout/"),
    Visit("account_reauthenticate", "/accounts/reauthenticate/"),
    Visit("mfa_index", f"{TWO_STEP}/"),
    Visit("mfa_activate_totp", f"{TWO_STEP}/totp/activate/"),
    Visit("mfa_list_webauthn", f"{TWO_STEP}/webauthn/"),
    Visit("mfa_add_webauthn", f"{TWO_STEP}/webauthn/add/"),
    Visit("second-factor-needed", "/accounts/second-factor/"),
    Visit("index-identity", "/accounts/index-identity/"),
    Visit("index-identity-unlink", "/accounts/index-identity/unlink/"),
    Visit("socialaccount_connections", "/accounts/connected/"),
    Visit("usersessions_list", "/accounts/sessions/"),
)
WITH_AN_APP = (
    Visit("mfa_index", f"{TWO_STEP}/"),
    Visit("mfa_deactivate_totp", f"{TWO_STEP}/totp/deactivate/"),
    Visit("mfa_view_recovery_codes", f"{TWO_STEP}/recovery-codes/"),
    Visit("mfa_generate_recovery_codes", f"{TWO_STEP}/recovery-codes/generate/"),
    Visit("mfa_reauthenticate", f"{TWO_STEP}/reauthenticate/"),
    Visit("mfa_edit_webauthn", f"{TWO_STEP}/webauthn/keys/{{passkey}}/edit/"),
    Visit("mfa_remove_webauthn", f"{TWO_STEP}/webauthn/keys/{{passkey}}/remove/"),
    Visit("mfa_list_webauthn", f"{TWO_STEP}/webauthn/"),
    Visit("account_set_password", "/accounts/password/set/"),
    Visit("second-factor-needed", "/accounts/second-factor/"),
)
ON_THE_WAY = (
    # Pages and steps that one comes to only from another: the tests below go there.
    Visit("account_email_verification_sent", "/accounts/confirm-email/"),
    Visit("mfa_authenticate", f"{TWO_STEP}/authenticate/"),
    Visit("mfa_login_webauthn", f"{TWO_STEP}/webauthn/login/"),
    Visit("mfa_signup_webauthn", f"{TWO_STEP}/webauthn/signup/"),
    Visit("mfa_reauthenticate_webauthn", f"{TWO_STEP}/webauthn/reauthenticate/"),
    Visit("mfa_download_recovery_codes", f"{TWO_STEP}/recovery-codes/download/"),
    Visit("index-identity-code", "/accounts/index-identity/code/"),
    Visit("socialaccount_signup", "/accounts/connected/signup/"),
)
VISITS = (*WAYS_IN, *ACCOUNT, *WITH_AN_APP, *ON_THE_WAY)


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer) -> Iterator[str]:
    apps = identity_providers.as_allauth(PROVIDERS)
    with override_settings(FREEHOLD_IDENTITY_PROVIDERS=PROVIDERS, SOCIALACCOUNT_PROVIDERS=apps):
        yield live_server.url


@pytest.fixture
def sam(site: str) -> Person:
    sam = Person("sam.spade@example.com", name="Sam Spade", index_username="sam")
    EmailAddress.objects.create(user=sam.user, email=f"a.{'very-' * 8}long.address@example.com", verified=True)
    return sam


@every_way
def test_the_ways_in(browser: Browser, site: str, way: dict[str, Any]) -> None:
    shown = Mail.objects.create(
        to="sam@example.com", subject="A code", text="Your code:\n\n    ABC-DEF\n", sender="a@b.c"
    )
    visits = [visit._replace(address=visit.address.replace("{mail}", str(shown.pk))) for visit in WAYS_IN]
    walk(browser, site, visits, way)


@every_way
def test_the_account(browser: Browser, site: str, sam: Person, way: dict[str, Any]) -> None:
    walk(browser, site, ACCOUNT, way, sam.user)


@every_way
def test_the_account_with_two_steps(browser: Browser, site: str, sam: Person, way: dict[str, Any]) -> None:
    sam.has_app()
    passkey = sam.has_passkey("Work laptop")
    sam.user.set_unusable_password()
    sam.user.save()
    visits = [visit._replace(address=visit.address.replace("{passkey}", str(passkey.pk))) for visit in WITH_AN_APP]
    walk(browser, site, visits, way, sam.user)


@every_way
def test_who_comes_by_a_provider_alone_confirms_there(
    browser: Browser, site: str, sam: Person, way: dict[str, Any]
) -> None:
    sam.user.set_unusable_password()
    sam.user.save()
    for provider in PROVIDERS:
        SocialAccount.objects.create(user=sam.user, provider=provider, uid="sam")
    walk(browser, site, [Visit("account_reauthenticate", "/accounts/reauthenticate/")], way, sam.user)


@every_window
def test_from_sign_up_to_two_steps_by_hand(browser: Browser, site: str, way: dict[str, Any]) -> None:
    """Password, code by mail, app, recovery codes, out, and in with both steps."""
    with open_context(browser, site, **way) as context:
        page = context.new_page()
        seen = Complaints(page)
        page.goto("/accounts/signup/?next=/accounts/two-step/totp/activate/")
        page.get_by_label("E-mail address").fill("nora@example.com")
        page.get_by_label("Password").fill("short")
        page.get_by_role("button", name="Create the account").click()
        seen.inspect(axe=way["java_script_enabled"])
        page.get_by_label("Password").fill("seven green bottles")
        page.get_by_role("button", name="Create the account").click()
        at(page, "confirm-email/")
        seen.inspect(axe=way["java_script_enabled"])
        page.get_by_label("Code").fill(code_in(mails_to("nora@example.com")[-1]))
        page.get_by_role("button", name="Confirm").click()
        at(page, "totp/activate/")
        secret = page.locator("[data-copy-text]").inner_text()
        page.get_by_label("Code").fill(code_of(secret))
        page.get_by_role("button", name="Turn it on").click()
        at(page, "recovery-codes/")
        seen.inspect(axe=way["java_script_enabled"])
        recovery = page.locator("pre code").inner_text().split()[0]
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert recovery in download.value.path().read_text()
        page.goto("/accounts/logout/")
        page.locator("main").get_by_role("button", name="Sign out").click()
        sign_in(page, "nora@example.com", "seven green bottles")
        at(page, "two-step/authenticate/")
        seen.inspect(axe=way["java_script_enabled"])
        page.get_by_label("Code").fill(recovery)
        page.get_by_role("button", name="Sign in", exact=True).click()
        at(page, "dashboard/")
    assert [one for one in seen.found if "/dashboard/" not in one] == []


def at(page: Page, end: str) -> None:
    """Wait until the page is there; what stands behind a question mark does not count."""
    page.wait_for_url(lambda url: urlsplit(url).path.endswith(end))


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.fixture
def device(browser: Browser, site: str) -> Iterator[Page]:
    """A page in a browser whose device has a fingerprint reader that always says yes."""
    with open_context(browser, site.replace("127.0.0.1", "localhost")) as context:
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield page


def sign_up_with_passkey(page: Page, email: str, back: str = "/accounts/two-step/webauthn/") -> Complaints:
    seen = Complaints(page)
    page.goto(f"/accounts/signup/?next={back}")
    page.get_by_role("link", name="Continue with a passkey").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Continue").click()
    at(page, "confirm-email/")
    page.get_by_label("Code").fill(code_in(mails_to(email)[-1]))
    page.get_by_role("button", name="Confirm").click()
    at(page, "webauthn/signup/")
    seen.inspect()
    page.get_by_label("Name of the passkey").fill("Work laptop")
    page.get_by_role("button", name="Make the passkey").click()
    at(page, back)
    return seen


class TestPasskey:
    def test_signs_up_and_signs_in_without_a_password(self, device: Page) -> None:
        seen = sign_up_with_passkey(device, "nora@example.com")
        expect(device.get_by_role("rowheader", name="Work laptop")).to_be_visible()
        user = User.objects.get(email="nora@example.com")
        assert user.second_factor and not user.has_usable_password()
        device.goto("/accounts/logout/")
        device.locator("main").get_by_role("button", name="Sign out").click()
        device.goto("/accounts/login/?next=/accounts/profile/")
        device.get_by_role("button", name="Sign in with a passkey").click()
        at(device, "accounts/profile/")
        seen.inspect()
        assert seen.found == []

    def test_confirms_who_it_is_before_what_is_dangerous(self, device: Page) -> None:
        sign_up_with_passkey(device, "nora@example.com")
        device.goto("/accounts/two-step/webauthn/reauthenticate/?next=/accounts/two-step/webauthn/add/")
        seen = Complaints(device)
        seen.inspect()
        device.get_by_role("button", name="Use a passkey").click()
        at(device, "webauthn/add/")
        assert seen.found == []

    def test_is_a_second_step_after_a_password(self, device: Page) -> None:
        nora = Person("nora@example.com")
        sign_in(device, nora.email, "correct horse battery staple")
        at(device, "dashboard/")
        device.goto("/accounts/two-step/webauthn/add/")
        device.get_by_role("button", name="Add the passkey").click()
        at(device, "recovery-codes/")
        assert nora.has_second_factor()
        device.goto("/accounts/logout/")
        device.locator("main").get_by_role("button", name="Sign out").click()
        sign_in(device, nora.email, "correct horse battery staple")
        at(device, "two-step/authenticate/")
        device.get_by_role("button", name="Use a passkey").click()
        at(device, "dashboard/")

    def test_that_is_not_there_is_said_in_words(self, device: Page) -> None:
        """Nobody has signed up on this device."""
        device.goto("/accounts/login/")
        device.context.new_cdp_session(device).send("WebAuthn.disable")
        device.evaluate(
            "() => { navigator.credentials.get = async () => { throw new DOMException('', 'NotAllowedError') } }"
        )
        device.get_by_role("button", name="Sign in with a passkey").click()
        expect(device.get_by_role("alert")).to_contain_text("The browser did not finish")
        seen = Complaints(device)
        seen.inspect()
        assert seen.found == []

    def test_needs_javascript_and_says_so(self, browser: Browser, site: str) -> None:
        with open_context(browser, site, java_script_enabled=False) as context:
            page = context.new_page()
            page.goto("/accounts/login/")
            expect(page.locator("noscript .notice")).to_be_visible()


def test_a_one_time_code_for_the_index(browser: Browser, site: str, sam: Person) -> None:
    with open_context(browser, site, sam.user, viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        seen = Complaints(page)
        page.goto("/accounts/index-identity/")
        page.get_by_role("button", name="Get a one-time code").click()
        assert len(page.locator("[data-copy-text]").inner_text()) == 14
        seen.inspect()
        assert seen.found == []


def test_too_many_attempts_are_told_in_our_own_look(browser: Browser, site: str, sam: Person) -> None:
    with open_context(browser, site) as context:
        page = context.new_page()
        for _ in range(6):
            page.goto("/accounts/password/reset/")
            page.get_by_label("E-mail address").fill(sam.email)
            page.get_by_role("button", name="Send the link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("That was tried too often.")
    assert len(mail.outbox) == 5
