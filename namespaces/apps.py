from django.apps import AppConfig


class NamespacesConfig(AppConfig):
    name = "namespaces"

    def ready(self) -> None:
        from freehold import access  # noqa: F401 -- registers the check that every view says who may see it
        from namespaces import closing, overview, proofs
        from namespaces import hooks as of_cases
        from namespaces.services import dispute_effects, held, looks
        from namespaces.services.applications import look_at_waiting_claims
        from namespaces.services.projects import follow_renaming
        from namespaces.services.shares import end_rights_of
        from orgs import hooks
        from orgs.proofs import registry

        hooks.on_renamed.append(follow_renaming)
        hooks.on_deleting_team.append(end_rights_of)
        hooks.closing_blockers.append(closing.closing_blocker)
        hooks.on_closing.append(closing.withdraw_all)
        hooks.on_closing.append(closing.release_all)
        hooks.on_closing.append(dispute_effects.settle_of_closed)
        of_cases.on_dropped.append(dispute_effects.drop)
        of_cases.on_released.append(dispute_effects.settle_released)
        of_cases.on_transferred.append(dispute_effects.follow_transfer)
        hooks.on_activated.append(held.activate_held)
        hooks.on_activated.append(look_at_waiting_claims)
        hooks.on_proof_verified.append(looks.look_later)
        hooks.overview_facts.append(overview.facts)
        hooks.next_steps.append(overview.steps)
        hooks.questions.append(overview.questions)
        hooks.next_steps.append(overview.reports)
        hooks.profile_listings.append(overview.listings)
        hooks.profile_facts.append(overview.public_facts)
        hooks.publishing_teams.append(overview.publishing_teams)
        registry.enter_projects(proofs.check_projects)
