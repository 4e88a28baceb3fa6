"""What plugins add to the export and the erasure of a person, beside the tables they declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wompbot_cogs.errors import HookIncomplete
from wompbot_cogs.hooks.registry import Hooks

_MISSING = {"missing": "this plugin could not say what it keeps"}


async def export_person(hooks: Hooks, person_id: int) -> dict[str, Mapping[str, Any]]:
    """Return what plugins add to a person's export, by plugin id.

    Args:
        hooks: The hooks.
        person_id: Whose export it is.
    """
    answers = await hooks.outcomes("export_person", person_id=person_id)
    missing = {answer.plugin: _MISSING for answer in answers if answer.failed}
    return missing | {answer.plugin: answer.value for answer in answers if answer.value is not None}


async def erase_person(hooks: Hooks, person_id: int) -> None:
    """Have plugins erase what they keep of a person; may be called again.

    Args:
        hooks: The hooks.
        person_id: Who is erased.

    Raises:
        HookIncomplete: A plugin did not do it; all others did.
    """
    answers = await hooks.outcomes("erase_person", person_id=person_id)
    if failed := [answer.plugin for answer in answers if answer.failed]:
        raise HookIncomplete("erase_person", failed)
