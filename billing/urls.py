"""The addresses of billing. Included where it is on (``freehold.urls``)."""

from __future__ import annotations

from django.urls import path

from billing.api.webhook import webhook
from billing.views import (
    buying,
    changing,
    desk,
    desk_findings,
    desk_jobs,
    ledger,
    orders,
    plan,
    prices,
    quotes,
    revenue,
    standings,
    sustainability,
)

PLAN = "manage/<str:name>/plan/"
QUOTE = f"{PLAN}quotes/<str:quote>/"
ORDERS = "review/orders/"
DESK = "review/billing/"

urlpatterns = [
    path(PLAN, plan.overview, name="organization-plan"),
    path(f"{PLAN}buy/", buying.buy, name="organization-plan-buy"),
    path(f"{PLAN}quantities/", changing.quantities, name="organization-plan-quantities"),
    path(f"{PLAN}change/", changing.plan, name="organization-plan-change"),
    path(f"{PLAN}change/keep/", changing.keep, name="organization-plan-keep"),
    path(f"{PLAN}return/", buying.returned, name="organization-plan-return"),
    path(f"{PLAN}cancelled/", buying.cancelled, name="organization-plan-cancelled"),
    path(f"{PLAN}drop/", plan.drop, name="organization-plan-drop"),
    path(f"{PLAN}quote/", quotes.new, name="organization-plan-quote-new"),
    path(QUOTE, quotes.quote, name="organization-plan-quote"),
    path(f"{QUOTE}order/", quotes.order, name="organization-plan-order"),
    path(f"{PLAN}invoices/", plan.invoices, name="organization-plan-invoices"),
    path(f"{PLAN}portal/", plan.portal, name="organization-plan-portal"),
    path(f"{PLAN}end/", plan.end, name="organization-plan-end"),
    path(f"{PLAN}go-on/", plan.go_on, name="organization-plan-go-on"),
    path(ORDERS, orders.orders, name="review-orders"),
    path(f"{ORDERS}allowances/new/", orders.allowance_new, name="review-allowance-new"),
    path(f"{ORDERS}allowances/<int:allowance>/approve/", orders.approve, name="review-allowance-approve"),
    path(f"{ORDERS}allowances/<int:allowance>/refuse/", orders.refuse, name="review-allowance-refuse"),
    path(f"{ORDERS}invoices/<int:invoice>/wire/", orders.wire, name="review-order-wire"),
    path("review/standings/", standings.standings, name="review-standings"),
    path("review/standings/<str:name>/", standings.standing, name="review-standing"),
    path("prices/", prices.prices, name="prices"),
    path("sustainability/", sustainability.page, name="sustainability"),
    path("review/sustainability/", sustainability.desk, name="review-sustainability"),
    path("review/sustainability/import/", sustainability.read_in, name="review-sustainability-import"),
    path("review/sustainability/open/", sustainability.open_or_close, name="review-sustainability-open"),
    path("review/sustainability/<int:cost>/remove/", sustainability.remove, name="review-sustainability-remove"),
    path("billing/stripe/webhook", webhook, name="stripe-webhook"),
    path("review/ledger/", ledger.ledger, name="ledger"),
    path("review/ledger/entries/", ledger.entries, name="ledger-entries"),
    path("review/ledger/export/", ledger.export, name="ledger-export"),
    path("review/ledger/close/", ledger.close, name="ledger-close"),
    path(DESK, desk.overview, name="review-billing"),
    path(f"{DESK}customers/", desk.customers, name="review-billing-customers"),
    path(f"{DESK}customers/<str:name>/", desk.customer, name="review-billing-customer"),
    path(f"{DESK}subscriptions/", desk.subscriptions, name="review-billing-subscriptions"),
    path(f"{DESK}subscriptions/<int:subscription>/compare/", desk.compare, name="review-billing-compare"),
    path(f"{DESK}purchases/", desk.intents, name="review-billing-intents"),
    path(f"{DESK}inbox/", desk_jobs.events, name="review-billing-events"),
    path(f"{DESK}inbox/<int:event>/", desk_jobs.event, name="review-billing-event"),
    path(f"{DESK}inbox/<int:event>/replay/", desk_jobs.replay, name="review-billing-replay"),
    path(f"{DESK}calls/", desk_jobs.calls, name="review-billing-calls"),
    path(f"{DESK}calls/<int:call>/", desk_jobs.call, name="review-billing-call"),
    path(f"{DESK}calls/<int:call>/retry/", desk_jobs.retry, name="review-billing-call-retry"),
    path(f"{DESK}calls/<int:call>/give-up/", desk_jobs.give_up, name="review-billing-call-give-up"),
    path(f"{DESK}drift/", desk_findings.drifts, name="review-billing-drifts"),
    path(f"{DESK}drift/<int:drift>/", desk_findings.drift, name="review-billing-drift"),
    path(f"{DESK}alerts/", desk_findings.alerts, name="review-billing-alerts"),
    path(f"{DESK}alerts/<int:alert>/", desk_findings.alert, name="review-billing-alert"),
    path(f"{DESK}revenue/", revenue.page, name="review-billing-revenue"),
]
