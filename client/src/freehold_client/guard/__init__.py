"""Guards for WSGI indexes: ``NamespaceGuard`` for the upload path, ``NamespaceMetadata`` for the simple API."""

from freehold_client.guard.limits import Limits
from freehold_client.guard.metadata import NamespaceMetadata
from freehold_client.guard.middleware import NamespaceGuard, remote_user
from freehold_client.guard.ports import ProjectFacts

__all__ = ["Limits", "NamespaceGuard", "NamespaceMetadata", "ProjectFacts", "remote_user"]
