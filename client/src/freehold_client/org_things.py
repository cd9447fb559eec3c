"""``freehold org namespaces``, ``publishers``, ``tokens`` and ``proofs``."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta, timezone
from typing import Any

from freehold_client.names import covers, normalize
from freehold_client.options import UsageError
from freehold_client.org_api import OrganizationApi
from freehold_client.org_output import done, show, show_one, text
from freehold_client.org_people import team

PERMISSIONS = (
    "view",
    "manage_people",
    "manage_teams",
    "manage_namespaces",
    "publish",
    "manage_billing",
    "view_audit",
)
PROOFS = ("dns", "https", "forge", "email_domain", "projects", "vouch")


def _namespaces(api: OrganizationApi, options: argparse.Namespace) -> None:
    show(options, api.every("namespaces"), ["name", "owner", "root", "state", "effective_at"])


def _create_child(api: OrganizationApi, options: argparse.Namespace) -> None:
    """Below the innermost namespace of the organization that covers the name."""
    name = normalize(options.name)
    own = [row["name"] for row in api.every("namespaces") if row["owner"] == api.name]
    above = sorted(parent for parent in own if parent != name and covers(parent, name))
    if not above:
        raise UsageError(f"{api.name} has no namespace above {name!r}.")
    row = api.post("namespaces", above[-1], "children", body={"name": options.name})
    done(options, f"{row['name']} is made, below {above[-1]}.", row)


def _give(api: OrganizationApi, options: argparse.Namespace) -> None:
    found = team(api, options.team)
    api.put("namespaces", normalize(options.namespace), "teams", found["id"])
    done(options, f"The team {found['name']} may publish in {normalize(options.namespace)}.")


def _take(api: OrganizationApi, options: argparse.Namespace) -> None:
    found = team(api, options.team)
    api.delete("namespaces", normalize(options.namespace), "teams", found["id"])
    done(options, f"The team {found['name']} has no right in {normalize(options.namespace)} any more.")


def _share(api: OrganizationApi, options: argparse.Namespace) -> None:
    body = {"expires_at": options.until} if options.until else {}
    row = api.put("namespaces", normalize(options.namespace), "shares", options.guest, body=body)
    done(options, f"{normalize(options.namespace)} is shared with {row['organization']}.", row)


def _unshare(api: OrganizationApi, options: argparse.Namespace) -> None:
    api.delete("namespaces", normalize(options.namespace), "shares", options.guest)
    done(options, f"{normalize(options.namespace)} is not shared with {options.guest} any more.")


def _offer(api: OrganizationApi, options: argparse.Namespace) -> None:
    row = api.post("transfers", body={"namespace": normalize(options.namespace), "to": options.to})
    done(options, f"{row['namespace']} is offered to {row['to']} until {text(row['expires_at'])}.", row)


def _offers(api: OrganizationApi, options: argparse.Namespace) -> None:
    show(options, api.every("transfers"), ["id", "namespace", "by", "to", "expires_at"])


def _accept(api: OrganizationApi, options: argparse.Namespace) -> None:
    row = api.post("transfers", options.offer, "accept")
    done(options, f"{row['name']} is {row['owner']}'s now.", row)


def _decline(api: OrganizationApi, options: argparse.Namespace) -> None:
    api.delete("transfers", options.offer)
    done(options, f"Offer {options.offer} is no more.")


def _release(api: OrganizationApi, options: argparse.Namespace) -> None:
    api.delete("namespaces", normalize(options.namespace))
    done(options, f"{normalize(options.namespace)} is given up.")


def _take_back(api: OrganizationApi, options: argparse.Namespace) -> None:
    row = api.post("namespaces", normalize(options.namespace), "take-back")
    done(options, f"{row['name']} is held again.", row)


def _publishers(api: OrganizationApi, options: argparse.Namespace) -> None:
    show(options, api.every("publishers"), ["id", "issuer", "claims"])


def _add_publisher(api: OrganizationApi, options: argparse.Namespace) -> None:
    claims = {}
    for claim in options.claim:
        name, separator, value = claim.partition("=")
        if not separator or name in claims:
            raise UsageError(f"{claim!r} is not of the form claim=value, or the claim stands there twice.")
        claims[name] = value
    row = api.post("publishers", body={"issuer": options.issuer, "claims": claims})
    done(options, f"Trusted publisher {row['id']} is added.", row)


def _remove_publisher(api: OrganizationApi, options: argparse.Namespace) -> None:
    api.delete("publishers", options.publisher)
    done(options, f"Trusted publisher {options.publisher} is removed.")


def _tokens(api: OrganizationApi, options: argparse.Namespace) -> None:
    columns = ["id", "name", "hint", "permissions", "made_by", "expires_at", "last_used_at"]
    show(options, api.every("tokens"), columns)


def _create_token(api: OrganizationApi, options: argparse.Namespace) -> None:
    """The token alone stands on standard output, so that it can be put where it belongs."""
    body: dict[str, Any] = {"name": options.name, "permissions": options.permission}
    if options.no_end:
        body["expires_at"] = None
    elif options.days is not None:
        body["expires_at"] = (datetime.now(timezone.utc) + timedelta(days=options.days)).isoformat()
    row = api.post("tokens", body=body)
    done(options, row["token"], row)


def _revoke_token(api: OrganizationApi, options: argparse.Namespace) -> None:
    api.delete("tokens", options.token)
    done(options, f"Token {options.token} is revoked.")


def _proofs(api: OrganizationApi, options: argparse.Namespace) -> None:
    show(options, api.every("proofs"), ["id", "kind", "subject", "state", "checked_at", "flag"])


def _add_proof(api: OrganizationApi, options: argparse.Namespace) -> None:
    row = api.post("proofs", body={"kind": options.kind, "subject": options.subject})
    show_one(options, row)


def _check_proof(api: OrganizationApi, options: argparse.Namespace) -> None:
    row = api.post("proofs", options.proof, "check")
    done(options, f"{row['proof']['state']}: {row['summary']} {' '.join(row['advice'])}".strip(), row)


def _remove_proof(api: OrganizationApi, options: argparse.Namespace) -> None:
    api.delete("proofs", options.proof)
    done(options, f"Proof {options.proof} is removed.")


def add_to(top: Any) -> None:
    """Add the four groups."""
    _add_namespaces(top.group("namespaces", "What the organization holds."))
    publishers = top.group("publishers", "Outside identities that may publish for the organization.")
    publishers.add("list", _publishers, "List them.")
    publishers.add("add", _add_publisher, "Trust one.", "ISSUER").add_argument(
        "claim", metavar="CLAIM=VALUE", nargs="+"
    )
    publishers.add("remove", _remove_publisher, "Trust one no more.", "PUBLISHER", sure="Trust it no more?")
    tokens = top.group("tokens", "API tokens of the organization.")
    tokens.add("list", _tokens, "List those that are not revoked.")
    create = tokens.add("create", _create_token, "Make one, and print it, this once.", "NAME")
    create.add_argument("--permission", action="append", choices=PERMISSIONS, required=True, help="may be given often")
    end = create.add_mutually_exclusive_group()
    end.add_argument("--days", type=int, metavar="N", help="let it expire after so many; 90 unless given")
    end.add_argument("--no-end", action="store_true", help="let it last until it is revoked")
    tokens.add("revoke", _revoke_token, "Revoke one, at once.", "TOKEN")
    proofs = top.group("proofs", "What the organization proves about itself.")
    proofs.add("list", _proofs, "List them.")
    begin = proofs.add("add", _add_proof, "Begin one; says what to publish where.")
    begin.add_argument("kind", choices=PROOFS)
    begin.add_argument("subject", metavar="SUBJECT", help="such as a domain")
    proofs.add("check", _check_proof, "Look now, and say what was seen.", "PROOF")
    proofs.add("remove", _remove_proof, "Take one away.", "PROOF", sure="Take it away, with what it proved?")


def _add_namespaces(group: Any) -> None:
    group.add("list", _namespaces, "List them, those that others share among them.")
    group.add("create-child", _create_child, "Make one below another.", "NAME")
    group.add("give", _give, "Let a team publish in one.", "NAMESPACE", "TEAM")
    group.add("take", _take, "Take that right back.", "NAMESPACE", "TEAM")
    share = group.add("share", _share, "Let another organization publish in one.", "NAMESPACE", "GUEST")
    share.add_argument("--until", metavar="TIME", help="such as 2027-03-04T05:06:07Z")
    group.add("unshare", _unshare, "End that.", "NAMESPACE", "GUEST")
    group.add("offer", _offer, "Offer one to another organization.", "NAMESPACE", "TO")
    group.add("offers", _offers, "List the offers that are open, from here and to here.")
    group.add("accept", _accept, "Take what is offered.", "OFFER")
    group.add("decline", _decline, "Withdraw or decline an offer.", "OFFER")
    group.add("release", _release, "Give one up.", "NAMESPACE", sure="Give the namespace up, with what is below it?")
    group.add("take-back", _take_back, "Hold one again that was given up and is in quarantine.", "NAMESPACE")
