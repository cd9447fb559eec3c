"""An OpenID Connect provider on loopback: discovery, authorize, token with PKCE, keys, userinfo, and faults on command.

``claims`` is what it says of whoever comes. ``tamper`` changes the ID token before it is signed; ``faults`` names what
else goes wrong: ``signature``, ``other-key``, ``none``, ``hmac``, ``no-token``, ``down``, ``rubbish``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "freehold", "a secret of sixty-four characters, for HMAC is not to be used!!"
Claims = dict[str, Any]


def _keep(claims: Claims) -> Claims:
    return claims


class Provider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = rsa.generate_private_key(65537, 2048)
        self.other_key = rsa.generate_private_key(65537, 2048)
        self.claims: Claims = {"sub": "u-1"}
        self.userinfo: Claims | None = None
        self.tamper: Callable[[Claims], Claims] = _keep
        self.faults: set[str] = set()
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        about = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce, **self.claims}
        claims = self.tamper(about)
        headers = {"kid": "one"}
        if "none" in self.faults:
            return jwt.encode(claims, "", algorithm="none", headers=headers)
        if "hmac" in self.faults:
            return jwt.encode(claims, CLIENT_SECRET, algorithm="HS256", headers=headers)
        key = self.other_key if "other-key" in self.faults else self.key
        token = jwt.encode(claims, key, algorithm="RS256", headers=headers)
        return token[:-8] + "AAAAAAAA" if "signature" in self.faults else token


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        if "down" in self.server.faults:
            self.send_error(503)
        elif "rubbish" in self.server.faults:
            self.answer(["rubbish"])
        elif path == "/.well-known/openid-configuration":
            self.answer(self.discovery())
        elif path == "/authorize":
            self.authorize(query)
        elif path == "/keys":
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self.server.key.public_key(), as_dict=True)
            self.answer({"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]})
        elif path == "/userinfo":
            self.answer(self.server.userinfo or {})
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = {key: value[0] for key, value in parse_qs(body).items()}
        asked = self.server.codes.pop(sent.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(sent.get("code_verifier", "").encode()).digest())
        if asked is None or challenge.rstrip(b"=").decode() != asked["code_challenge"]:
            self.answer({"error": "invalid_grant"}, 400)
            return
        answer = {"access_token": "t", "token_type": "Bearer", "expires_in": 300}
        if "no-token" not in self.server.faults:
            answer["id_token"] = self.server.id_token(asked.get("nonce", ""))
        self.answer(answer)

    def authorize(self, query: dict[str, str]) -> None:
        self.server.asked.append(query)
        code = secrets.token_urlsafe(8)
        self.server.codes[code] = query
        self.send_response(302)
        self.send_header("Location", f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def discovery(self) -> dict[str, Any]:
        url = self.server.url
        return {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "jwks_uri": f"{url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **({"userinfo_endpoint": f"{url}/userinfo"} if self.server.userinfo else {}),
        }

    def answer(self, body: Any, status: int = 200) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args: Any) -> None:
        """The tests say what matters."""


@contextmanager
def running() -> Iterator[Provider]:
    with Provider() as provider:
        thread = threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield provider
        provider.shutdown()
        thread.join()
