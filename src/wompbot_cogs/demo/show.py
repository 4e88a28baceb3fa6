"""The demo on a terminal: who says what, in colour where there is some."""

from __future__ import annotations

from zlib import crc32

import discord
from rich.console import Console
from rich.text import Text

from wompbot_cogs.demo.markup import readable
from wompbot_cogs.simulated import Said, SimulatedGuild

_NAME_WIDTH = 9
_COLOURS = ("cyan", "magenta", "yellow", "blue", "bright_red", "bright_cyan")
_BOT_STYLE = "bold green"


class Show:
    """Prints what happens in a guild.

    Args:
        console: Where to; it decides about colour and width.
        guild: The guild; only its first channel is shown.
    """

    def __init__(self, console: Console, guild: SimulatedGuild) -> None:
        self._console = console
        self._guild = guild
        self._shown: set[int] = set()

    def narrate(self, text: str) -> None:
        """Print what is going on."""
        self._console.print()
        self._console.print(Text(text, style="dim italic"))

    def person(self, name: str, text: str) -> None:
        """Print what a member says."""
        self._say(name, Text(text), _COLOURS[crc32(name.encode()) % len(_COLOURS)])

    def news(self) -> None:
        """Print what the bot said since the last time."""
        for message in self._guild.answers():
            if message.id not in self._shown and not message.ephemeral:
                self.bot(message)

    def bot(self, message: Said) -> None:
        """Print a message of the bot."""
        self._shown.add(message.id)
        text = self._readable(message.text)
        if message.ephemeral:
            text.append("  (only they see this)", style="dim")
        for embed in message.embeds:
            for line in _lines(embed):
                text.append("\n" if text else "").append("│ ", style=_BOT_STYLE)
                text.append_text(self._readable(line))
        for file in message.files:
            text.append(f"\n[{file.name}] {file.description}", style="dim")
        self._say(message.author, text, _BOT_STYLE)

    def problem(self, text: str) -> None:
        """Print what went wrong."""
        self._console.print(Text(text, style="red"))

    def table(self, title: str, rows: list[tuple[str, str]]) -> None:
        """Print names and values."""
        self._console.print()
        self._console.print(Text(title, style="bold"))
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            self._console.print(Text.assemble((f"{name:<{width}}  ", "dim"), value), soft_wrap=True)

    def _readable(self, text: str) -> Text:
        return readable(text, self._guild.name_of)

    def _say(self, name: str, text: Text, style: str) -> None:
        """Print a name and, beside it, a text of any number of lines."""
        label = Text(f"{name:>{_NAME_WIDTH}}  ", style=style)
        for line in text.wrap(self._console, max(20, self._console.width - len(label))):
            line.rstrip()
            self._console.print(Text.assemble(label, line), soft_wrap=True)
            label = Text(" " * len(label))


def _lines(embed: discord.Embed) -> list[str]:
    lines = [embed.title or "", *(embed.description or "").splitlines()]
    for field in embed.fields:
        lines += [field.name or "", *(f"  {line}" for line in (field.value or "").splitlines())]
    return [line for line in (*lines, embed.footer.text or "") if line]
