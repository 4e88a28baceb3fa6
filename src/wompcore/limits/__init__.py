"""Who may do how much at once and how often. No clock inside: the time comes as an argument."""

from __future__ import annotations

from wompcore.limits.cooldown import Cooldown
from wompcore.limits.limits import Limits
from wompcore.limits.slots import ChannelSlots, PersonSlots, Slots

__all__ = ["ChannelSlots", "Cooldown", "Limits", "PersonSlots", "Slots"]
