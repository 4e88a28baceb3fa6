"""What may be asked over the owner's socket: a verb and an installed plugin's id, never a path or code."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Verb = Literal["list", "load", "unload", "swap", "quarantine", "release", "grant", "withdraw"]

LINE_BYTES = 4096
"""Length of a request at most, its line break included."""

REPLY_BYTES = 4_000_000
"""Length of a reply at most."""


class Request(BaseModel):
    """One line of JSON.

    Args:
        verb: What to do.
        plugin: To which plugin; empty for ``list``.
        name: What to grant or withdraw.
        reason: Why a plugin is put into quarantine, in one line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    verb: Verb
    plugin: str = Field("", max_length=32, pattern=r"^([a-z][a-z0-9_]*)?$")
    name: str = Field("", max_length=64, pattern=r"^[a-z_:]*$")
    reason: str = Field("", max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.verb == "list") == bool(self.plugin):
            raise ValueError("every verb but 'list' names one plugin")
        if (self.verb in ("grant", "withdraw")) != bool(self.name):
            raise ValueError("'grant' and 'withdraw' say what, and no other verb does")
        if self.reason and self.verb != "quarantine":
            raise ValueError("only 'quarantine' has a reason")
        return self
