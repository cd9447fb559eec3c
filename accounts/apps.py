from importlib import import_module

from allauth.account import checks as allauth_checks  # noqa: F401 -- registers the checks that its own ``ready`` would
from allauth.account.apps import AccountConfig
from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default = True

    def ready(self) -> None:
        import_module(f"{self.name}.events")  # it listens, and needs the models


class AllauthAccountConfig(AccountConfig):  # type: ignore[misc]  # allauth has no types
    """allauth's, which insists on its middleware for all requests. Ours spares machines (``freehold.middleware``)."""

    default = False

    def ready(self) -> None:
        """The checks are registered above."""
