"""Every hook, with what holds for it. The plugin book shows each with an example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from wompbot_cogs.hooks import results
from wompbot_cogs.hooks.exchange import Decline, Health, Note, PromptPart, ReplyGiven, ReplyRequest
from wompbot_cogs.hooks.marks import HookRules, hook
from wompcore.claims import FoundClaim
from wompcore.events import ChatMessage
from wompcore.llm.tools import Tool
from wompcore.repos.costs_ledger import CostEntry
from wompcore.usage import Attribution


class HookSpecs(Protocol):
    """The hooks. An implementation may be plain or async, and may leave out arguments it does not need."""

    @hook(HookRules(results.tools, timeout_s=2.0))
    def tools(self, asker: Attribution) -> Tool | Iterable[Tool] | None:
        """Offer the model functions for one reply.

        A name is offered once: the conversation's own tools come first, then plugins in the order of
        their ids.

        Args:
            asker: Who asks, and where.
        """
        ...

    @hook(HookRules(results.prompt_parts, timeout_s=2.0))
    def prompt_parts(self, asker: Attribution) -> PromptPart | Iterable[PromptPart] | None:
        """Tell the model something for one reply.

        Args:
            asker: Who asks, and where.
        """
        ...

    @hook(HookRules(results.word_before, timeout_s=2.0, needs="messages", content=True))
    def before_reply(self, request: ReplyRequest) -> Decline | Note | None:
        """Look at a request before anything is spent on it: decline it, or add a note for the model.

        Args:
            request: What is asked.
        """
        ...

    @hook(HookRules(results.nothing, timeout_s=10.0, needs="messages", content=True))
    def after_reply(self, reply: ReplyGiven) -> None:
        """Hear of a reply that was delivered. Nobody waits for this.

        Args:
            reply: The reply.
        """
        ...

    @hook(HookRules(results.nothing, timeout_s=10.0, needs="messages", content=True))
    def messages_seen(self, messages: Sequence[ChatMessage]) -> None:
        """Take the messages that people and bots wrote, in batches, each message once.

        Only those that may be kept. A batch comes every quarter of a second, or of 100 messages.

        Args:
            messages: In the order they came.
        """
        ...

    @hook(HookRules(results.nothing, timeout_s=10.0, needs="claims", content=True))
    def claims_found(self, claims: Sequence[FoundClaim]) -> None:
        """Hear of claims that were just stored, in batches as messages.

        Args:
            claims: The claims.
        """
        ...

    @hook(HookRules(results.nothing, timeout_s=10.0, needs="costs"))
    def costs_settled(self, costs: Sequence[CostEntry]) -> None:
        """Hear of calls that were just paid, in batches as messages.

        Args:
            costs: One entry per call, as the ledger records it.
        """
        ...

    @hook(HookRules(results.export, timeout_s=30.0))
    def export_person(self, person_id: int) -> Mapping[str, Any] | None:
        """Add to a person's export what the declared tables do not hold.

        Tables that the manifest declares are exported without the plugin; this may only add.

        Args:
            person_id: Whose export it is.
        """
        ...

    @hook(HookRules(results.nothing, timeout_s=30.0))
    def erase_person(self, person_id: int) -> None:
        """Erase what the plugin keeps of a person beside the declared tables; those are erased without it.

        Args:
            person_id: Who is erased.
        """
        ...

    @hook(HookRules(results.health, timeout_s=5.0))
    def health(self) -> Health | None:
        """Say whether the plugin can do its work."""
        ...
