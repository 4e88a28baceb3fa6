"""Text that comes from people and goes to people: cleaning, splitting, fencing, mentions. All pure."""

from __future__ import annotations

from wompcore.text.cleaning import NAME_LIMIT, bound, clean, clean_name
from wompcore.text.fencing import FENCE_RULE, fence
from wompcore.text.links import hold_links, links_in
from wompcore.text.mentions import defuse_mentions, mentions_to_names, restore_mentions
from wompcore.text.parts import PART_BYTES, parts_of
from wompcore.text.splitting import split_message

__all__ = [
    "FENCE_RULE",
    "NAME_LIMIT",
    "PART_BYTES",
    "bound",
    "clean",
    "clean_name",
    "defuse_mentions",
    "fence",
    "hold_links",
    "links_in",
    "mentions_to_names",
    "parts_of",
    "restore_mentions",
    "split_message",
]
