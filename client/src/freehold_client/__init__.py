"""The index side of Freehold, a registry of reserved namespaces for Python package indexes (PEP 752).

client = NamespaceClient("https://freehold.index.example", token, cache_dir="/var/cache/freehold").start()
decision = client.check_upload("acme-widgets", Publisher(user="alice"), exists=False)
if not decision.allowed:
    refuse(decision.status, decision.message)
"""

from freehold_client._version import __version__
from freehold_client.client import NamespaceClient
from freehold_client.decisions import Decision, Publisher
from freehold_client.errors import FreeholdUnavailable
from freehold_client.names import InvalidName, normalize
from freehold_client.policy import Policy

__all__ = [
    "Decision",
    "FreeholdUnavailable",
    "InvalidName",
    "NamespaceClient",
    "Policy",
    "Publisher",
    "__version__",
    "normalize",
]
