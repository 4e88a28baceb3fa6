"""The conversation: from an addressed message to its answer."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from importlib.resources import files

import discord
from discord.ext import commands
from discord.utils import escape_markdown

from wompbot_cogs import Context, Level, ReplyGiven, ReplyRequest, refusal
from wompbot_cogs.cogs.chat import texts
from wompbot_cogs.cogs.chat.approval import ButtonApprover
from wompbot_cogs.cogs.chat.prompt import build_prompt
from wompbot_cogs.cogs.chat.search import web_search_tool
from wompcore.errors import BudgetExceeded, CoolingDown, DatabaseError, ModelError, SlotsBusy, WompError
from wompcore.events import ChatMessage
from wompcore.ids import snowflake_at
from wompcore.llm import ChatRequest
from wompcore.llm.tools import Conversation, Toolbox, ToolContext, converse
from wompcore.repos.reply_context import Line
from wompcore.text import (
    bound,
    clean_name,
    defuse_mentions,
    hold_links,
    links_in,
    mentions_to_names,
    restore_mentions,
    split_message,
)
from wompcore.usage import Attribution, Purpose

_HISTORY = 50
_HISTORY_AGE = timedelta(days=90)
_PART_CHARS = 2000


class ChatCog(commands.Cog, name="Chat"):
    """Answers when it is mentioned, named, or asked with ``!wb``."""

    def __init__(self, context: Context) -> None:
        self._hooks = context.hooks
        self._messages = context.messages
        self._model = context.llm
        self._limits = context.limits
        self._permissions = context.permissions
        self._tools = [web_search_tool(context.search.find)] if context.search.available else []
        self._log = context.log
        self._rules = files(__package__).joinpath("system.md").read_text(encoding="utf-8")
        context.messages.watch(lambda message: message.addressed, self.answer)

    async def answer(self, message: ChatMessage, source: discord.Message) -> None:
        """Answer one addressed message; whatever happens, the asker hears something."""
        names = {person.id: clean_name(person.display_name) for person in source.mentions}
        request = mentions_to_names(self._messages.request_of(message.text), names)
        if len(request) < 2:
            await self._send(source, texts.GREETING)
            return
        try:
            if self._permissions.level(source.author) < Level.SUPER_ADMIN:
                self._limits.cooldown.check(message.author_id, message.at)
            async with self._limits.person.take(message.author_id):
                await self._in_turn(message, source, request)
        except CoolingDown as limit:
            await self._send(source, texts.SLOW_DOWN.format(seconds=max(1.0, limit.retry_after_s or 0)))
        except SlotsBusy:
            await self._send(source, texts.TOO_MANY)

    async def _in_turn(self, message: ChatMessage, source: discord.Message, request: str) -> None:
        try:
            async with self._limits.channel.take(message.channel_id):
                await self._reply(message, source, request)
        except SlotsBusy:
            await self._send(source, texts.BUSY)

    async def _reply(self, message: ChatMessage, source: discord.Message, request: str) -> None:
        asked = _asked(message, bound(request, self._limits.request_chars))
        word = await self._hooks.before_reply(asked)
        if word.declined is not None:
            await self._send(source, defuse_mentions(word.declined) or texts.DECLINED)
            return
        try:
            context = await self._messages.context(
                channel_id=message.channel_id,
                message_id=message.id,
                since_id=snowflake_at(message.at - _HISTORY_AGE),
                limit=_HISTORY,
            )
        except DatabaseError as error:
            await self._send(source, self._failed(error, texts.FAILED))
            return
        if context.answered:
            return
        placeholder = await self._send(source, texts.THINKING)
        if placeholder is None:
            return
        conversation = None
        try:
            conversation = await self._ask(asked, source, context.history, word.notes)
            text = _answer(conversation, asked, context.history, own_id=self._messages.own_id)
        except BudgetExceeded as error:
            self._log.info("message %d is not answered: %s", message.id, error)
            text = refusal(error)
        except ModelError as error:
            text = self._failed(error, texts.UNAVAILABLE)
        except WompError as error:
            text = self._failed(error, texts.FAILED)
        if len(request) > self._limits.request_chars:
            text += "\n" + texts.CUT.format(limit=self._limits.request_chars)
        names = {line.author_name.casefold(): line.author_id for line in context.history}
        names[message.author_name.casefold()] = message.author_id
        delivered = await self._deliver(placeholder, message, restore_mentions(text, names))
        if delivered and conversation is not None:
            tools = tuple(result.call.name for result in conversation.results)
            self._hooks.after_reply(ReplyGiven(asked, placeholder.id, text, tools, conversation.cost))

    async def _ask(
        self,
        asked: ReplyRequest,
        source: discord.Message,
        history: tuple[Line, ...],
        notes: tuple[str, ...],
    ) -> Conversation:
        attribution = Attribution(
            Purpose.CHAT,
            guild_id=asked.guild_id,
            channel_id=asked.channel_id,
            person_id=asked.person_id,
            message_id=asked.message_id,
        )
        tools, parts = await asyncio.gather(
            self._hooks.tools(attribution, self._tools), self._hooks.prompt_parts(attribution)
        )
        own_name = self._messages.own_name
        prompt = build_prompt(
            self._rules.replace("{name}", own_name),
            history,
            own_name=own_name,
            own_id=self._messages.own_id,
            asker=asked.person_name,
            request=asked.text,
            stable=parts.stable,
            varying=(*parts.varying, *notes),
        )
        outside_text = bool(history or notes or parts.stable or parts.varying)
        return await converse(
            self._model,
            ChatRequest(prompt, attribution),
            Toolbox(tools, ButtonApprover(source)),
            ToolContext(attribution, outside_text=outside_text),
            max_cost=self._limits.reply_cost,
        )

    async def _deliver(self, placeholder: discord.Message, message: ChatMessage, text: str) -> bool:
        """Put the answer in the placeholder's place and keep it as one message; return whether it stands."""
        first, *rest = split_message(defuse_mentions(text), _PART_CHARS) or [texts.NO_ANSWER]
        try:
            await placeholder.edit(content=first)
            for part in rest:
                await placeholder.channel.send(part)
        except discord.HTTPException as error:
            self._log.warning("an answer could not be delivered: %s", error)
            return False
        self._messages.keep_own(
            ChatMessage(
                placeholder.id,
                message.channel_id,
                self._messages.own_id,
                self._messages.own_name,
                text,
                message.guild_id,
                message.id,
                is_bot=True,
                is_own=True,
            ),
            placeholder.channel,
            to=message.author_id,
        )
        return True

    async def _send(self, source: discord.Message, text: str) -> discord.Message | None:
        try:
            return await source.channel.send(
                text, reference=source.to_reference(fail_if_not_exists=False), mention_author=False
            )
        except discord.HTTPException as error:
            self._log.warning("cannot write to channel %d: %s", source.channel.id, error)
            return None

    def _failed(self, error: WompError, text: str) -> str:
        reference = secrets.token_hex(4)
        self._log.error("a reply failed, reference %s: %s", reference, error)
        return text.format(reference=reference)


def _asked(message: ChatMessage, request: str) -> ReplyRequest:
    return ReplyRequest(
        message.id,
        message.channel_id,
        message.guild_id,
        message.author_id,
        message.author_name,
        request,
        message.allowed,
    )


def _answer(
    conversation: Conversation, asked: ReplyRequest, history: tuple[Line, ...], *, own_id: int
) -> str:
    """Return the text of an answer; a link that nobody gave is shown without a preview."""
    text = conversation.reply.text.strip() or texts.NO_ANSWER
    said = [line.text for line in history if line.author_id != own_id]
    read = [asked.text, *said, *(result.output for result in conversation.results)]
    answer = hold_links(text, links_in("\n".join(read)))
    if any(passed.reason == "budget" for passed in conversation.reply.passed_over):
        answer += "\n" + texts.CHEAPER.format(model=escape_markdown(clean_name(conversation.reply.model)))
    return answer
