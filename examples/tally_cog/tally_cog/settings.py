"""What the operator may set, in [plugins.tally]."""

from __future__ import annotations

from pydantic import BaseModel, Field


class TallySettings(BaseModel, extra="forbid"):
    """Settings of the tally plugin."""

    per_person: int = Field(100, ge=1, description="What one person may add to one tally.")
