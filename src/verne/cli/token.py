"""`verne token`: make, list and revoke the tokens with which programs call the API."""

from __future__ import annotations

import json
from typing import Any

import click

from verne.cli import acting, start


def _model() -> Any:
    # By its name, for the faces do not import one another.
    from django.apps import apps

    return apps.get_model("api", "Token")


@click.group("token")
def command() -> None:
    """Make, list and revoke the tokens of programs."""


@command.command("issue")
@click.argument("username")
@click.option("--for", "purpose", required=True, help="The program that will hold it.")
@click.option(
    "--scope",
    "scope",
    multiple=True,
    default=("read",),
    show_default=True,
    help="read, write, or rights such as resolution.file_incident or resolution.*; repeatable.",
)
@click.option("--days", default=90, show_default=True, help="Until it expires; a year at most.")
def issue(username: str, purpose: str, scope: tuple[str, ...], days: int) -> None:
    """Make a token for a person. The secret is printed once and not kept."""
    start.database()
    from django.core.exceptions import ValidationError

    owner = acting.person(username)
    try:
        token, secret = _model().issue(owner, name=purpose, scope=scope, days=days, by=None)
    except ValidationError as wrong:
        raise click.UsageError(" ".join(wrong.messages)) from wrong
    click.echo(secret)
    click.echo(f"For {owner.username}, until {token.expires_at:%Y-%m-%d}. Keep it now.", err=True)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Write them as JSON.")
def list_tokens(as_json: bool) -> None:
    """List the tokens there are, newest first."""
    start.database()
    rows = [
        {
            "begins": token.start,
            "person": token.person.username,
            "for": token.name,
            "scope": token.scope,
            "made_at": token.made_at.isoformat(),
            "expires_at": token.expires_at.isoformat(),
            "last_used_at": token.use.last_at.isoformat() if hasattr(token, "use") else None,
            "standing": token.standing,
        }
        for token in _model().objects.select_related("person", "use")
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        used = row["last_used_at"][:16] if row["last_used_at"] else "never used"
        click.echo(
            f"{row['begins']}…  {row['standing']:8} {row['expires_at'][:10]}  {used:16}  "
            f"{row['person']:16} {row['for']} ({' '.join(row['scope'])})"
        )
    if not rows:
        click.echo("There are no tokens.")


@command.command("revoke")
@click.argument("begins")
def revoke(begins: str) -> None:
    """End a token now. BEGINS is how it begins: vrn_ and four characters."""
    start.database()
    from django.core.exceptions import ValidationError

    try:
        token = _model().by_start(begins.rstrip("…"))
    except ValidationError as wrong:
        raise click.UsageError(" ".join(wrong.messages)) from wrong
    token.revoke(by=None)
    click.echo(f"{token} is revoked.")
