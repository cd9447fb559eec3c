"""OpenID Connect, with what allauth leaves out: signature, nonce, and claims that belong together.

allauth finds this module by its name. Sign-in is the code flow with PKCE; the identity is what the signed ID token
says. The userinfo endpoint is asked for claims that the token lacks, and believed only about the same subject
(OpenID Connect Core 1.0, sections 3.1.3.7 and 5.3.2).
"""

from __future__ import annotations

import json
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Signatures by a public key only: never ``none``, never one made with the shared secret."""

LEEWAY = 60  # seconds that the provider's clock may be off
ANEW = {"prompt": "login", "max_age": "0"}
"""What makes a provider ask who somebody is though it knows, and say when it did (OpenID Connect Core 1.0, 3.1.2.1)."""
NEEDED = ("sub", "iss", "aud", "exp", "iat")


def nonce_of(state: str) -> str:
    """What the ID token must repeat: bound to the state, which is bound to the browser's session."""
    return salted_hmac("freehold.oidc.nonce", state, algorithm="sha256").hexdigest()


def was_asked_anew(state: dict[str, Any]) -> bool:
    """Whether the provider was to ask who it is, by what we kept when we sent somebody there."""
    return bool(state.get("anew"))


def shown_at(claims: dict[str, Any], *, asked_anew: bool, now: float) -> float:
    """When somebody showed the provider who they are, in seconds; 0 where nobody says that it was not long ago.

    A provider that was asked to ask must say when it did. One that leaves that out is taken to have done it.
    """
    said = claims.get("auth_time")
    if isinstance(said, int | float) and not isinstance(said, bool):
        return min(float(said), now)
    return now if asked_anew else 0.0


class Client(OAuth2Client):  # type: ignore[misc]  # allauth has no types
    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, Any]) -> str:
        params = {**extra_params, "nonce": nonce_of(self.state)}
        url: str = super().get_redirect_url(authorization_url, scope, params)
        return url


class Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # as above
    client_class = Client

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        try:
            claims = self._identity(app, kwargs["response"]["id_token"], nonce_of(request.GET["state"]))
            claims = self._completed(claims, token.token)
        except (jwt.PyJWTError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise OAuth2Error(f"The answer of {app.provider_id} does not hold: {error}") from error
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})

    def _identity(self, app: SocialApp, id_token: str, nonce: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key=self._key(jwt.get_unverified_header(id_token).get("kid")),
            algorithms=ALGORITHMS,
            audience=app.client_id,
            issuer=self.openid_config["issuer"],
            leeway=LEEWAY,
            options={"require": list(NEEDED)},
        )
        if not constant_time_compare(str(claims.get("nonce", "")), nonce):
            raise ValueError("it was not made for this sign-in")
        if claims.get("azp", app.client_id) != app.client_id:
            raise ValueError("it was made for another client")
        return claims

    def _key(self, kid: str | None) -> jwt.PyJWK:
        """The provider's key of that id; of a provider with one key, that one."""
        keys = jwt.PyJWKSet.from_dict(json.loads(self._get(self.openid_config["jwks_uri"]))).keys
        usable = [key for key in keys if kid is None or key.key_id == kid]
        if len(usable) != 1:
            raise LookupError("its signing key is not known")
        return usable[0]

    def _completed(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        provider = settings.FREEHOLD_IDENTITY_PROVIDERS[self.provider_id]
        wanted = provider.claim if provider.is_index else "email"
        if wanted in claims or "userinfo_endpoint" not in self.openid_config:
            return claims
        about = json.loads(self._get(self.openid_config["userinfo_endpoint"], access_token))
        if about["sub"] != claims["sub"]:
            raise ValueError("its userinfo is about somebody else")
        return {**about, **claims}

    def _get(self, url: str, access_token: str = "") -> str:
        headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
        with get_adapter().get_requests_session() as session:
            response = session.get(url, headers=headers)
            response.raise_for_status()
            text: str = response.text
            return text


class Provider(OpenIDConnectProvider):  # type: ignore[misc]  # as above
    oauth2_adapter_class = Adapter

    def serialize(self) -> dict[str, Any]:
        """By our id: two providers may have given us the same client id."""
        return {"id": self.app.provider_id}

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, Any]:
        """The address of our page can't change what we ask the provider for."""
        params: dict[str, Any] = self.get_auth_params()
        return params

    def redirect(self, request: HttpRequest, process: str, **kwargs: Any) -> HttpResponse:
        """Who is signed in and goes there to sign in does it to show again who they are."""
        if request.user.is_authenticated and process == AuthProcess.LOGIN:
            asked = {**(kwargs.pop("auth_params", None) or self.get_auth_params()), **ANEW}
            kwargs |= {"auth_params": asked, "anew": True}
        answer: HttpResponse = super().redirect(request, process, **kwargs)
        return answer

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        scope: list[str] = self.get_scope()
        return scope


provider_classes = [Provider]
