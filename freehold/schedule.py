"""What is done again and again, and how often. A job that is not worth doing late expires before its next turn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "end-quarantines": {"task": "namespaces.end_quarantines", "schedule": timedelta(hours=1)},
    "expire-held": {"task": "namespaces.expire_held", "schedule": timedelta(hours=1)},
    "expire-unanswered": {"task": "namespaces.expire_unanswered", "schedule": timedelta(hours=1)},
    "look-again": {
        "task": "namespaces.look_again_at_all",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "go-on-with-reports": {"task": "namespaces.go_on_with_reports", "schedule": timedelta(hours=1)},
    # Not worth doing late: the next one sends all that is due.
    "send-purges": {"task": "namespaces.send_purges", "schedule": timedelta(seconds=5), "options": {"expires": 5}},
    "stream-audit": {"task": "orgs.stream_audit", "schedule": timedelta(seconds=5), "options": {"expires": 5}},
    "prune-audit-deliveries": {"task": "orgs.prune_audit_deliveries", "schedule": timedelta(days=1)},
    "prune-invitations": {"task": "orgs.prune_invitations", "schedule": timedelta(days=1)},
    "send-mail": {"task": "accounts.send_mail", "schedule": timedelta(seconds=5), "options": {"expires": 5}},
    "prune-mail": {"task": "accounts.prune_mail", "schedule": timedelta(hours=1)},
    "grant-recoveries": {"task": "orgs.grant_recoveries", "schedule": timedelta(hours=1)},
    # Each run takes what it can in some seconds, and leaves the rest to the next.
    "check-proofs": {"task": "orgs.check_proofs", "schedule": timedelta(minutes=1), "options": {"expires": 60}},
    "check-registrations": {
        "task": "orgs.check_registrations",
        "schedule": timedelta(minutes=10),
        "options": {"expires": 600},
    },
    "tell-of-grants": {
        "task": "namespaces.tell_overtaken",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 300},
    },
    # Both look at the clock, and have a key for each week and each day: a run that was missed is made up for.
    "mail-blocked": {"task": "namespaces.summarize_blocked", "schedule": timedelta(hours=1)},
    "mail-digest": {"task": "review.mail_digest", "schedule": timedelta(hours=1)},
    "warn-of-expiring-tokens": {"task": "orgs.warn_of_expiring_tokens", "schedule": timedelta(hours=1)},
    "prune-blocked-attempts": {"task": "namespaces.prune_blocked_attempts", "schedule": timedelta(days=1)},
    # Each asks about those alone that were not asked about for a week, or whose year is soon over.
    "ask-forges": {"task": "namespaces.ask_forges", "schedule": timedelta(hours=1), "options": {"expires": 3600}},
    "renew-communities": {"task": "namespaces.renew_communities", "schedule": timedelta(hours=6)},
    "measure-popularity": {"task": "namespaces.measure_popularity", "schedule": timedelta(days=1)},
    "check-invariants": {"task": "namespaces.check_invariants", "schedule": timedelta(days=1)},
}

BILLING_SCHEDULE: dict[str, dict[str, Any]] = {
    # Both are woken when there is something to do; this is for what failed, and for when the broker did.
    "settle-events": {"task": "billing.settle_events", "schedule": timedelta(seconds=5), "options": {"expires": 5}},
    "make-calls": {"task": "billing.make_calls", "schedule": timedelta(seconds=5), "options": {"expires": 5}},
    "reconcile-lately": {
        "task": "billing.reconcile_lately",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "reconcile-everything": {"task": "billing.reconcile_everything", "schedule": timedelta(days=1)},
    "balance-ledger": {"task": "billing.balance_ledger", "schedule": timedelta(days=1)},
    "end-purchases": {"task": "billing.end_purchases", "schedule": timedelta(hours=1)},
    "follow-standings": {"task": "billing.follow_standings", "schedule": timedelta(hours=1)},
    # In time for the renewal, which is an hour after the earliest of these looks that finds the change.
    "change-plans": {"task": "billing.change_plans", "schedule": timedelta(minutes=10), "options": {"expires": 600}},
    "mend-quantities": {"task": "billing.mend_quantities", "schedule": timedelta(days=1)},
    "report-served": {"task": "billing.report_served", "schedule": timedelta(days=1)},
}
"""Where billing is switched on."""

DEMO_SCHEDULE: dict[str, dict[str, Any]] = {
    # There the clock is put forward by weeks, and somebody looks on.
    name: BILLING_SCHEDULE[name] | {"schedule": timedelta(seconds=10), "options": {"expires": 10}}
    for name in ("follow-standings", "change-plans", "end-purchases", "balance-ledger")
}
"""Of these in the demo."""
