"""Hooks: where plugins take part in what the bot does."""

from __future__ import annotations

from wompbot_cogs.hooks.conversation import ConversationHooks
from wompbot_cogs.hooks.marks import HookRules, hook, hookimpl
from wompbot_cogs.hooks.registry import Answer, Hooks
from wompbot_cogs.hooks.specs import HookSpecs

__all__ = ["Answer", "ConversationHooks", "HookRules", "HookSpecs", "Hooks", "hook", "hookimpl"]
