"""What people read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import discord
from discord.utils import escape_markdown, escape_mentions

from wompbot_cogs import GuildSetting, Level
from wompcore.text import bound, clean_name

NO_BOTS = "A bot cannot be an admin."
ADDED = "{mention} is a bot admin of this server now."
ALREADY = "{mention} is a bot admin of this server already."
REMOVED = "{mention} is no longer a bot admin of this server."
WAS_NOT = "{mention} was not a bot admin of this server."
SUPER_ADMINS_STAY = "{mention} is a super admin, which no server can change."

UNKNOWN_SETTING = "There is no setting of that name. There are: {keys}."
OTHER_KIND = {
    "channels": "`{key}` is a list: use `settings add` and `settings remove`.",
    "switch": "`{key}` is a switch: use `settings set`.",
    "threshold": "`{key}` is a threshold: use `claimfilter threshold`.",
    "zone": "`{key}` is a time zone: use `settings zone`.",
}
UNKNOWN_PLUGIN_SETTING = "No plugin has a setting of that name that servers decide; `settings` shows them."
UNKNOWN_ZONE = (
    "There is no time zone of that name. They are called like `Europe/Berlin` or `America/New_York`."
)
SET = "`{key}` is {value} now."
LISTED = "{channel} is on the list `{key}` now."
LISTED_ALREADY = "{channel} is on the list `{key}` already."
UNLISTED = "{channel} is no longer on the list `{key}`."
WAS_NOT_LISTED = "{channel} was not on the list `{key}`."

_LONGEST = 2000
_VALUE = 200


def who(person: discord.abc.User, level: Level) -> str:
    """Return who a person is and what they may do."""
    names = (person.name, person.display_name)
    name, shown = (escape_mentions(escape_markdown(clean_name(text))) for text in names)
    admin = "yes" if level >= Level.BOT_ADMIN else "no"
    return f"**{shown}** ({name})\nid: `{person.id}`\nlevel: {level.title}\nadmin: {admin}"


def admins(super_admins: Iterable[int], bot_admins: Iterable[int]) -> str:
    """Return who the admins are."""
    lines = [f"Super admins: {_people(super_admins)}", f"Bot admins of this server: {_people(bot_admins)}"]
    return bound("\n".join(lines), _LONGEST)


def settings(values: Iterable[tuple[GuildSetting, Any]], own: Iterable[tuple[str, Any, str]]) -> str:
    """Return every setting with its value and meaning, those of plugins last."""
    lines = [f"`{setting.key}`: **{value(now)}** - {setting.meaning}" for setting, now in values]
    lines += [f"`{key}`: **{plain(now)}** - {meaning}" for key, now, meaning in own]
    return bound("\n".join(lines), _LONGEST)


def value(now: Any) -> str:
    """Return a setting's value as people read it."""
    if isinstance(now, bool):
        return "on" if now else "off"
    if isinstance(now, str | float):
        return str(now)
    return ", ".join(f"<#{channel}>" for channel in now) or "none"


def plain(now: Any) -> str:
    """Return the value of a plugin's setting, which people chose, as a harmless text."""
    return escape_mentions(escape_markdown(bound(str(now), _VALUE)))


def _people(ids: Iterable[int]) -> str:
    return ", ".join(f"<@{person}>" for person in sorted(ids)) or "none"
