"""Grants and shares, the mirror of the index's projects, the feed of changes, and the cases that are decided."""

from __future__ import annotations

from namespaces.models.cases import Case, CaseDecision, CaseEntry, CaseEvaluation, CaseQuerySet
from namespaces.models.disputes import Dispute, GrantLock
from namespaces.models.feed import Change, PurgeEndpoint, Revision
from namespaces.models.grants import BlockedAttempt, Grant, GrantQuerySet, Share, TeamGrant, Transfer
from namespaces.models.log import LogEntry
from namespaces.models.mirror import Project, Usage
from namespaces.models.verification import ForgeSignals, Verification

__all__ = [
    "BlockedAttempt",
    "Case",
    "CaseDecision",
    "CaseEntry",
    "CaseEvaluation",
    "CaseQuerySet",
    "Change",
    "Dispute",
    "ForgeSignals",
    "Grant",
    "GrantLock",
    "GrantQuerySet",
    "LogEntry",
    "Project",
    "PurgeEndpoint",
    "Revision",
    "Share",
    "TeamGrant",
    "Transfer",
    "Usage",
    "Verification",
]
