from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "review"

    def ready(self) -> None:
        from namespaces import hooks
        from review.situations import objection

        hooks.objections.append(objection)
