"""Ways to reach models. Each is a :class:`wompcore.llm.Provider`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wompcore.clock import Clock
from wompcore.llm.providers.anthropic import Anthropic
from wompcore.llm.providers.openai_style import OpenAiStyle

if TYPE_CHECKING:
    from wompcore.config import LlmSettings
    from wompcore.http import TrustedSession

__all__ = ["Anthropic", "OpenAiStyle", "model_provider"]


def model_provider(
    session: TrustedSession, settings: LlmSettings, clock: Clock | None = None
) -> OpenAiStyle | Anthropic:
    """Return the provider that the settings name.

    Args:
        session: Trusts the endpoint's origin.
        settings: Which API, base URL, key, time limits.
        clock: Real time, to read ``Retry-After`` dates.
    """
    kind = Anthropic if settings.provider == "anthropic" else OpenAiStyle
    return kind(session, settings, clock)
