"""The addresses of the pages. Without its slash an address redirects; what stands here by name has a browser test."""

from __future__ import annotations

from django.urls import include, path

from namespaces.views import (
    cases,
    claim,
    community,
    criteria,
    disputes,
    log,
    manage,
    manage_sharing,
    manage_teams,
    public,
)

OF_A_NAMESPACE = [
    path("", manage.namespace, name="organization-namespace"),
    path("children/new/", manage.new_child, name="organization-namespace-child"),
    path("blocked/", manage.blocked, name="organization-namespace-blocked"),
    path("teams/", manage_teams.give_on, name="organization-namespace-team"),
    path("share/", manage_sharing.share, name="organization-namespace-share"),
    path("shares/<str:guest>/end/", manage_sharing.unshare, name="organization-namespace-unshare"),
    path("transfer/", manage_sharing.transfer, name="organization-namespace-transfer"),
    path("transfer/withdraw/", manage_sharing.withdraw, name="organization-namespace-transfer-withdraw"),
    path("release/", manage_sharing.release, name="organization-namespace-release"),
    path("take-back/", manage_sharing.take_back, name="organization-namespace-take-back"),
]

OF_A_CASE = [
    path("", cases.case, name="case"),
    path("edit/", cases.edit, name="case-edit"),
    path("withdraw/", cases.withdraw, name="case-withdraw"),
    path("look-again/", cases.look_again, name="case-look-again"),
    path("say/", cases.say, name="case-say"),
    path("answer/", cases.answer, name="case-answer"),
    path("appeal/", cases.appeal, name="case-appeal"),
]

urlpatterns = [
    path("", public.front, name="front"),
    path("namespaces/", public.register, name="register"),
    path("namespaces", public.register),
    path("namespaces/<str:name>/", public.namespace, name="namespace"),
    path("namespaces/<str:name>", public.namespace),
    path("namespaces/<str:name>/report/", disputes.report, name="namespace-report"),
    path("claim/", claim.claim, name="claim"),
    path("cases/", cases.cases, name="cases"),
    path("cases/<int:case>/", include(OF_A_CASE)),
    path("manage/<str:name>/claims/", cases.claims_of, name="organization-claims"),
    path("log/", log.log, name="log"),
    path("log.jsonl", log.jsonl, name="log-lines"),
    path("manage/<str:name>/community/", community.community, name="organization-community"),
    path("manage/<str:name>/community/apply/", community.apply, name="organization-community-apply"),
    path("manage/<str:name>/community/look/", community.look, name="organization-community-look"),
    path("manage/<str:name>/community/company/", community.company, name="organization-community-company"),
    path("policy/", criteria.policy, name="policy"),
    path("design/", public.design, name="design"),
    path("manage/<str:name>/teams/", manage_teams.teams, name="organization-teams"),
    path("manage/<str:name>/teams/<int:team>/", manage_teams.team, name="organization-team"),
    path("manage/<str:name>/teams/<int:team>/rights/", manage_teams.give, name="organization-team-right-give"),
    path(
        "manage/<str:name>/teams/<int:team>/rights/<str:namespace>/take/",
        manage_teams.take,
        name="organization-team-right-take",
    ),
    path("manage/<str:name>/offers/<int:offer>/", manage_sharing.offer, name="organization-offer"),
    path("manage/<str:name>/offers/<int:offer>/decline/", manage_sharing.decline, name="organization-offer-decline"),
    path("manage/<str:name>/namespaces/", manage.namespaces, name="organization-namespaces"),
    path("manage/<str:name>/namespaces/<str:namespace>/", include(OF_A_NAMESPACE)),
]
