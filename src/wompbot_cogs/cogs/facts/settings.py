"""What the operator may set, in [plugins.facts]."""

from __future__ import annotations

from pydantic import BaseModel, Field


class FactSettings(BaseModel, extra="forbid"):
    """Settings of fact checks; the defaults are those of spec 04, section 6."""

    cooldown_s: float = Field(300.0, ge=0, le=86_400, description="Seconds between checks per person.")
    per_day: int = Field(10, ge=0, description="Checks per person in 24 hours.")
    per_guild_day: int = Field(100, ge=0, description="Checks per server and UTC day.")
    model: str = Field("", description="Model that judges. Empty: the configured chat model.")
