"""Mentions: Discord's tokens, the names people read, and the pings nobody may cause."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_ZERO_WIDTH_SPACE: Final = "\u200b"
_TOKEN: Final = re.compile(r"<@!?([0-9]{1,20})>")
_MASS_PING: Final = re.compile(r"@(?=everyone|here)|(?<=<@)(?=&[0-9])", re.IGNORECASE)
# Code comes first, so that a decorator in a code block never turns into a ping.
_CODE_OR_NAME: Final = re.compile(r"```.*?```|`[^`\n]*+`|(?<![\w@<])@([\w.]{2,32}+)(?!\w)", re.DOTALL)
_EVERYBODY: Final = frozenset({"everyone", "here"})


def mentions_to_names(text: str, names: Mapping[int, str]) -> str:
    """Replace user mentions by ``@name``; an unknown person becomes ``@user_<id>``.

    Args:
        text: Text with mentions in Discord's form, ``<@1>`` or ``<@!1>``.
        names: Names by person id.
    """

    def name(token: re.Match[str]) -> str:
        person_id = int(token[1])
        return f"@{names.get(person_id, f'user_{person_id}')}"

    return _TOKEN.sub(name, text)


def restore_mentions(text: str, names: Mapping[str, int]) -> str:
    """Replace ``@name`` by a user mention where the name is known.

    A name is 2 to 32 letters, digits, ``_`` or ``.``, any case (spec 02, section 10); a full stop
    that ends a sentence is not part of it. Code, addresses, ``@everyone`` and ``@here`` stay.

    Args:
        text: Text with names.
        names: Person ids by case-folded name.
    """

    def mention(match: re.Match[str]) -> str:
        name: str | None = match[1]
        if name is None:
            return match[0]
        for known in (name, name.rstrip(".")):
            person_id = names.get(known.casefold())
            if person_id is not None and known.casefold() not in _EVERYBODY:
                return f"<@{person_id}>{name[len(known) :]}"
        return match[0]

    return _CODE_OR_NAME.sub(mention, text)


def defuse_mentions(text: str) -> str:
    """Make ``@everyone``, ``@here`` and role mentions harmless with a zero-width space.

    A second net under the allowed mentions of every send.

    Args:
        text: Text about to be sent.
    """
    return _MASS_PING.sub(lambda ping: ping[0] + _ZERO_WIDTH_SPACE, text)
