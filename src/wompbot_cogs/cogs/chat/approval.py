"""The asker's word, by the press of a button, before something is done in their name."""

from __future__ import annotations

import json
from typing import Any

import discord

from wompbot_cogs.cogs.chat import texts
from wompcore.llm.tools import Act
from wompcore.text import bound

_ARGUMENT_CHARS = 1000
_WAIT_S = 60.0


class ButtonApprover:
    """Speaks for the person who wrote a message.

    A right is the name of a Discord permission, such as ``manage_messages``, held in the message's channel.

    Args:
        source: The message that asks.
        wait_s: Seconds to wait for the button; then it is a no.
    """

    def __init__(self, source: discord.Message, wait_s: float = _WAIT_S) -> None:
        self._source = source
        self._wait_s = wait_s

    async def permits(self, act: Act) -> bool:
        """Whether the asker has the right, in the channel they asked in."""
        guild, who = self._source.guild, act.attribution
        if guild is None or (who.guild_id, who.person_id) != (guild.id, self._source.author.id):
            return False
        asker = await guild.fetch_member(self._source.author.id)  # as they are now, not as they were
        return not act.right or dict(self._source.channel.permissions_for(asker)).get(act.right, False)

    async def confirms(self, act: Act) -> bool:
        """Ask the asker; only they can press, and silence is a no."""
        asker = self._source.author
        question = texts.CONFIRM.format(
            asker=asker.mention, tool=act.tool, what=act.description, arguments=_shown(act.arguments)
        )
        buttons = _Buttons(asker.id, self._wait_s)
        message = await self._source.channel.send(
            question,
            view=buttons,
            suppress_embeds=True,
            reference=self._source.to_reference(fail_if_not_exists=False),
            allowed_mentions=discord.AllowedMentions(users=[asker], replied_user=False),
        )
        try:
            await buttons.wait()
        finally:
            buttons.stop()
        outcome = texts.CONFIRMED if buttons.agreed else texts.NOT_CONFIRMED
        await message.edit(content=outcome.format(tool=act.tool), view=None)
        return buttons.agreed


class _Buttons(discord.ui.View):
    """Yes and no, for one person."""

    def __init__(self, asker_id: int, wait_s: float) -> None:
        super().__init__(timeout=wait_s)
        self._asker_id = asker_id
        self.agreed = False

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        if interaction.user.id == self._asker_id:
            return True
        await interaction.response.send_message(texts.NOT_YOURS, ephemeral=True)
        return False

    @discord.ui.button(label=texts.YES, style=discord.ButtonStyle.danger)
    async def yes(self, interaction: discord.Interaction[Any], button: discord.ui.Button[Any]) -> None:
        self.agreed = True
        await self._end(interaction)

    @discord.ui.button(label=texts.NO, style=discord.ButtonStyle.secondary)
    async def no(self, interaction: discord.Interaction[Any], button: discord.ui.Button[Any]) -> None:
        await self._end(interaction)

    async def _end(self, interaction: discord.Interaction[Any]) -> None:
        self.stop()
        await interaction.response.defer()


def _shown(arguments: Any) -> str:
    """Return arguments so that they cannot leave the code block they are shown in."""
    text = json.dumps(arguments, ensure_ascii=False, indent=1, default=str).replace("`", "'")
    return bound(text, _ARGUMENT_CHARS)
