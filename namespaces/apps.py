from django.apps import AppConfig


class NamespacesConfig(AppConfig):
    name = "namespaces"

    def ready(self) -> None:
        from freehold import access  # noqa: F401 -- registers the check that every view says who may see it
