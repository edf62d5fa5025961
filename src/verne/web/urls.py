"""Where the addresses of the pages lead."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from .pages import exchange
from .pages.map import map_page
from .pages.people import seats
from .pages.style import style_page
from .views import account, filing, finding, lists, portal, record, today
from .views.settings import calendars, people, roles
from .views.settings.common import index as settings_index

urlpatterns: list[URLPattern | URLResolver] = [
    path("", today.today, name="today"),
    path("jump/", finding.jump, name="jump"),
    path("search/", finding.search, name="search"),
    path("sign-in/", account.sign_in, name="sign-in"),
    path("sign-out/", account.sign_out, name="sign-out"),
    path("profile/", account.profile, name="profile"),
    path("profile/password/", account.change_password, name="password"),
    path("preferences/", account.preferences, name="preferences"),
    path("style/", style_page, name="style"),
    path("standard/", include("verne.web.pages.standard.urls")),
    path("imports/", include("verne.web.pages.imports")),
    path("", include("verne.web.pages.nonconformities.urls")),
    path("portal/", portal.start, name="portal"),
    path("portal/status/", portal.status, name="portal-status"),
    path("portal/fault/", portal.fault, name="portal-fault"),
    path("portal/ask/", portal.offers, name="portal-offers"),
    path("portal/ask/else/", portal.ask, name="portal-ask-else"),
    path("portal/ask/<str:ref>/", portal.ask, name="portal-ask"),
    path("portal/catalogue/<str:ref>/", portal.entry, name="portal-entry"),
    path("portal/mine/", portal.mine, name="portal-mine"),
    path("portal/r/<str:ref>", portal.record, name="portal-record"),
    path("portal/r/<str:ref>/answer", portal.answer, name="portal-answer"),
    path("portal/r/<str:ref>/agree", portal.agree, name="portal-agree"),
    path("settings/", settings_index, name="settings"),
    path("settings/organizations/", people.organizations, name="organizations"),
    path("settings/organizations/new", people.organization, name="organization-new"),
    path("settings/organizations/<int:number>/", people.organization, name="organization"),
    path("settings/people/", people.people, name="people"),
    path("settings/people/new", people.person, name="person-new"),
    path("settings/people/<int:number>/", people.person, name="person"),
    path("settings/people/<int:number>/password", people.password, name="person-password"),
    path("settings/teams/", people.teams, name="teams"),
    path("settings/teams/new", people.team, name="team-new"),
    path("settings/teams/<int:number>/", people.team, name="team"),
    path("roles/seats/", seats.page, name="seats"),
    path("roles/begin", seats.begin, name="roles-begin"),
    path("settings/roles/", roles.roles, name="roles"),
    path("settings/roles/end/<int:number>", roles.end, name="role-end"),
    path("settings/roles/<str:key>/", roles.role, name="role"),
    path("settings/calendars/", calendars.calendars, name="calendars"),
    path("settings/calendars/new", calendars.new_version, name="calendar-new"),
    path("settings/calendars/<int:number>/", calendars.calendar, name="calendar"),
    path("settings/calendars/<int:number>/new", calendars.new_version, name="calendar-version"),
    path("settings/tokens/", include("verne.api.settings_urls")),
    path("suggest/<slug:slug>/<str:name>/", lists.suggest, name="suggest"),
    path("r/<str:ref>", record.page, name="record"),
    path("r/<str:ref>/edit", record.edit, name="record-edit"),
    path("r/<str:ref>/timeline", record.older, name="record-timeline"),
    path("r/<str:ref>/panels", record.panels, name="record-panels"),
    path("r/<str:ref>/map", map_page, name="record-map"),
    path("r/<str:ref>/move/<str:name>", record.move, name="record-move"),
    path("r/<str:ref>/comment", record.comment, name="record-comment"),
    path("r/<str:ref>/file", record.attach, name="record-attach"),
    path("r/<str:ref>/file/<int:number>", record.download, name="record-file"),
    path("r/<str:ref>/file/<int:number>/remove", record.detach, name="record-detach"),
    path("r/<str:ref>/link", record.link, name="record-link"),
    path("r/<str:ref>/unlink/<int:number>", record.unlink, name="record-unlink"),
    path("r/<str:ref>/ask/<str:name>", record.ask, name="record-ask"),
    path("r/<str:ref>/vote/<int:number>", record.vote, name="record-vote"),
    path("r/<str:ref>/escalate", record.escalation, name="record-escalate"),
    path("r/<str:ref>/withdraw", record.withdraw, name="record-withdraw"),
    path("r/<str:ref>/as-it-was", record.past, name="record-as-it-was"),
    # Last: the lists of the registers, by their slugs.
    path("<slug:slug>/", lists.index, name="list"),
    path("<slug:slug>/new", filing.new, name="new"),
    path("<slug:slug>/bulk", lists.bulk, name="bulk"),
    path("<slug:slug>/export", exchange.export, name="export"),
    path("<slug:slug>/import", exchange.upload, name="import"),
    path("<slug:slug>/import/template", exchange.template, name="import-template"),
    path("<slug:slug>/import/<str:token>", exchange.report, name="import-report"),
    path("<slug:slug>/import/<str:token>/findings", exchange.findings, name="import-findings"),
    path("<slug:slug>/views", lists.views, name="views"),
    path("<slug:slug>/choose/<str:name>", lists.choose, name="choose"),
]
