"""Where the pages about getting in lie: for everybody, about oneself, and for administrators."""

from __future__ import annotations

from django.urls import path

from ..views import security, signing_in
from ..views.settings import entrance

urlpatterns = [
    path("sign-in/", signing_in.sign_in, name="sign-in"),
    path("sign-in/second/", signing_in.second_step, name="second-step"),
    path("sign-in/passkey/", signing_in.passkey_sign_in, name="passkey-sign-in"),
    path("sign-in/passkey/options", signing_in.passkey_options, name="passkey-options"),
    path("sign-in/new/", signing_in.new_password, name="new-password"),
    path("sign-out/", signing_in.sign_out, name="sign-out"),
    path("profile/security/", security.security, name="security"),
    path("profile/security/app/", security.add_app, name="security-app"),
    path("profile/security/passkey/", security.add_passkey, name="security-passkey"),
    path("profile/security/codes/", security.codes, name="security-codes"),
    path("profile/security/remove/<int:number>/", security.remove, name="security-remove"),
    path("profile/security/end", security.end_session, name="session-end"),
    path("profile/security/end-others", security.end_sessions, name="sessions-end"),
    path("settings/signing-in/", entrance.rules, name="signing-in-rules"),
    path("settings/people/<int:number>/access/", entrance.access, name="person-access"),
    path("settings/people/<int:number>/access/link", entrance.make_link, name="person-link"),
    path("settings/people/<int:number>/access/reset", entrance.reset, name="person-reset"),
    path(
        "settings/people/<int:number>/access/end",
        entrance.end_sessions,
        name="person-end-sessions",
    ),
]
