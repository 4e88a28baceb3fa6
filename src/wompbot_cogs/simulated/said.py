"""What was said, as people in a guild see it."""

from __future__ import annotations

from dataclasses import dataclass

import discord


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file below a message.

    Args:
        name: Its name.
        description: What is in it, for those who cannot see it.
        content: Its bytes.
    """

    name: str
    description: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """A message as people in the guild see it.

    Args:
        id: Its id.
        author: The author's name.
        text: Content.
        is_own: Said by the bot under simulation.
        embeds: What is shown below it.
        reply_to_id: The message it answers.
        ephemeral: Only the person who used the command sees it.
        files: What is attached.
    """

    id: int
    author: str
    text: str
    is_own: bool = False
    embeds: tuple[discord.Embed, ...] = ()
    reply_to_id: int | None = None
    ephemeral: bool = False
    files: tuple[SentFile, ...] = ()
