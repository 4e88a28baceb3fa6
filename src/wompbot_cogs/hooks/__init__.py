"""Hooks: where plugins take part in what the bot does."""

from __future__ import annotations

from wompbot_cogs.hooks.asking import PluginHooks, PluginPrompt, WordBefore, healths
from wompbot_cogs.hooks.exchange import Decline, Health, Note, PromptPart, ReplyGiven, ReplyRequest
from wompbot_cogs.hooks.marks import HookRules, hook, hookimpl
from wompbot_cogs.hooks.people import erase_person, export_person
from wompbot_cogs.hooks.registry import Answer, Hooks
from wompbot_cogs.hooks.specs import HookSpecs

__all__ = [
    "Answer",
    "Decline",
    "Health",
    "HookRules",
    "HookSpecs",
    "Hooks",
    "Note",
    "PluginHooks",
    "PluginPrompt",
    "PromptPart",
    "ReplyGiven",
    "ReplyRequest",
    "WordBefore",
    "erase_person",
    "export_person",
    "healths",
    "hook",
    "hookimpl",
]
