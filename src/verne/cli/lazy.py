"""A group of commands whose modules are imported when they are used, so that help is quick."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """`commands_of` maps a name to its module below `verne.cli` and one line of help."""

    def __init__(
        self,
        *args: Any,
        commands_of: dict[str, tuple[str, str]],
        hidden_commands: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.commands_of = commands_of
        self.hidden_commands = hidden_commands or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands_of)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = self.commands_of.get(cmd_name, ("", ""))[0] or self.hidden_commands.get(cmd_name)
        if not module:
            return None
        command: click.Command = import_module(f"verne.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self.commands_of:
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_module, line) in self.commands_of.items()])
