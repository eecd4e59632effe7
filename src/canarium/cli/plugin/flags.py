"""Flags as kubectl's users write them, on top of click.

Owns: flags before the subcommand, `--flag=false`, Go durations, aliases of subcommands. Must not know: any command.
Behaviour follows cobra and pflag, as far as people notice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"0", "f", "false"})


class PluginContext(click.Context):
    """A flag that was given before a subcommand counts for it, unless the subcommand is given its own."""

    def lookup_default(self, name: str, call: bool = True) -> Any:
        """See click."""
        context = self.parent
        while context is not None:
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and name in context.params:
                return context.params[name]
            context = context.parent
        return super().lookup_default(name, True) if call else super().lookup_default(name, False)


class PluginCommand(click.Command):
    """A command whose flags may be written `--watch=false`."""

    context_class = PluginContext

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click."""
        return super().parse_args(ctx, [word for arg in args for word in self._as_click_has_it(arg)])

    def _as_click_has_it(self, arg: str) -> list[str]:
        name, has_value, value = arg.partition("=")
        if not has_value or not name.startswith("-"):
            return [arg]
        for param in self.params:
            if isinstance(param, click.Option) and param.is_flag and name in param.opts:
                if value.lower() in _TRUE:
                    return [name]
                if value.lower() in _FALSE:
                    return param.secondary_opts[:1]
        return [arg]


class PluginGroup(click.Group):
    """Subcommands in the order they were added, and their aliases."""

    context_class = PluginContext
    command_class = PluginCommand

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.aliases: dict[str, str] = {}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click."""
        return super().get_command(ctx, self.aliases.get(cmd_name, cmd_name))


def alias(group: click.Group, name: str, *others: str) -> None:
    """Let a subcommand of a PluginGroup have other names too."""
    assert isinstance(group, PluginGroup), group
    group.aliases.update(dict.fromkeys(others, name))


if TYPE_CHECKING:
    DurationType = click.ParamType[timedelta]
else:
    DurationType = click.ParamType  # not generic before click 8.3


class GoDuration(DurationType):
    """`30s`, `2m`, `1h30m`, as Go's time.ParseDuration reads it. is_bare_allowed: a number alone means seconds."""

    name = "duration"

    def __init__(self, *, is_bare_allowed: bool = False) -> None:
        self._is_bare_allowed = is_bare_allowed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """See click."""
        if isinstance(value, timedelta):
            return value
        from canarium.errors import CanariumError
        from canarium.rollouts.analysis.gotext import parse_duration

        text = str(value)
        if self._is_bare_allowed and text.isdigit():
            return timedelta(seconds=int(text))
        try:
            return parse_duration(text)
        except CanariumError as error:
            shown = ", ".join(param.opts) if param is not None else "-i, --in"
            raise click.UsageError(f'invalid argument "{text}" for "{shown}" flag: {error}', ctx) from error
