from django.apps import AppConfig


class OrgsConfig(AppConfig):
    name = "orgs"

    def ready(self) -> None:
        from accounts import guards
        from orgs import sign_in

        guards.SECOND_FACTOR_NEEDED.append(sign_in.why_second_factor)
        guards.ON_SECURITY_EVENT.append(sign_in.record_security_event)
