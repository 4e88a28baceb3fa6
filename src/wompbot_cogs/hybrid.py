"""discord.py's hybrid commands with types that mypy can follow: a command's own arguments stay known."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from discord.ext import commands

CogT = TypeVar("CogT", bound=commands.Cog)
P = ParamSpec("P")
T = TypeVar("T")

if TYPE_CHECKING:
    P2 = ParamSpec("P2")
    T2 = TypeVar("T2")

    class Group(commands.HybridGroup[CogT, P, T]):
        """A hybrid group whose decorators are typed."""

        def command(  # type: ignore[override] # the one of discord.py takes nothing that mypy can infer
            self, name: str = ..., **attrs: Any
        ) -> Callable[
            [Callable[Concatenate[CogT, commands.Context[Any], P2], Coroutine[Any, Any, T2]]],
            commands.HybridCommand[CogT, P2, T2],
        ]:
            """Declare a command of the group."""

    def hybrid_command(
        name: str = ..., **attrs: Any
    ) -> Callable[
        [Callable[Concatenate[CogT, commands.Context[Any], P], Coroutine[Any, Any, T]]],
        commands.HybridCommand[CogT, P, T],
    ]:
        """Declare a command that is a prefix command and a slash command; see discord.py."""

    def hybrid_group(
        name: str = ..., **attrs: Any
    ) -> Callable[
        [Callable[Concatenate[CogT, commands.Context[Any], P], Coroutine[Any, Any, T]]], Group[CogT, P, T]
    ]:
        """Declare a group of such commands; see discord.py."""
else:
    hybrid_command, hybrid_group = commands.hybrid_command, commands.hybrid_group
