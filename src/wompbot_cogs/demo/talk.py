"""After the scene: the person at the terminal talks in the channel."""

from __future__ import annotations

import asyncio
import sys
import threading

from wompbot_cogs.demo.house import OWNER
from wompbot_cogs.demo.show import Show
from wompbot_cogs.simulated import CommandRefused, SimulatedGuild

_YOU = "you"
_LONGEST = 2000


async def talk(guild: SimulatedGuild, show: Show, lines: asyncio.Queue[str | None]) -> None:
    """Say what is typed, and show what the bot answers, until there is an end.

    Args:
        guild: Where.
        show: Prints it.
        lines: What is typed; ``None`` or ``quit`` is the end.
    """
    show.narrate(
        f"Your turn: you are '{_YOU}'. '{OWNER}: !plugins' speaks as the owner, '/optout' is a slash "
        "command, '/' lists them all, 'quit' ends."
    )
    while (line := await lines.get()) is not None and line.strip() not in ("quit", "exit"):
        name, text = speaker_of(line)
        if text.startswith("/"):
            await _command(guild, show, name, text[1:])
        elif len(text) > _LONGEST:
            show.problem(f"Discord takes messages of {_LONGEST:,} characters at most.")
        elif text:
            await guild.say(name, text)
        show.news()


async def _command(guild: SimulatedGuild, show: Show, name: str, command: str) -> None:
    commands = guild.commands(name)
    if command not in commands:
        show.problem("Commands: " + ", ".join("/" + known for known in commands))
        return
    try:
        answers = await guild.slash(name, command)
    except CommandRefused as error:
        show.problem(error.message)
        return
    for answer in answers:
        show.bot(answer)


def speaker_of(line: str) -> tuple[str, str]:
    """Return who speaks, and what: ``ann: hello``, or just ``hello`` for you."""
    name, colon, text = line.partition(":")
    if colon and name.isidentifier() and len(name) <= 20:
        return name, text.strip()
    return _YOU, line.strip()


def typed_lines() -> asyncio.Queue[str | None]:
    """Return a queue of what is typed on standard input, ``None`` at its end.

    The thread that waits for it is a daemon: a read from a terminal cannot be cancelled.
    """
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="typed lines", daemon=True).start()
    return lines
