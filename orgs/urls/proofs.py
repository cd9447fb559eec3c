from __future__ import annotations

from django.urls import path

from orgs.views import proofs

BASE = "manage/<str:name>/proofs"

urlpatterns = [
    path(f"{BASE}/", proofs.proofs_page, name="organization-proofs"),
    path(f"{BASE}/new/", proofs.new, name="organization-proof-new"),
    path(f"{BASE}/new/<str:kind>/", proofs.new_of_kind, name="organization-proof-new-kind"),
    path(f"{BASE}/<int:proof>/", proofs.proof_page, name="organization-proof"),
    path(f"{BASE}/<int:proof>/check/", proofs.check, name="organization-proof-check"),
    path(f"{BASE}/<int:proof>/confirm/", proofs.confirm, name="organization-proof-confirm"),
    path(f"{BASE}/<int:proof>/renew/", proofs.renew, name="organization-proof-renew"),
    path(f"{BASE}/<int:proof>/remove/", proofs.remove, name="organization-proof-remove"),
    path(f"{BASE}/requests/<int:proof>/vouch/", proofs.vouch, name="organization-proof-vouch"),
    path(f"{BASE}/requests/<int:proof>/decline/", proofs.decline, name="organization-proof-decline"),
    path(f"{BASE}/requests/<int:proof>/withdraw/", proofs.withdraw, name="organization-proof-withdraw"),
]
