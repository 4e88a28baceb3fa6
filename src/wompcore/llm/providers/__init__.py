"""Ways to reach models. Each is a :class:`wompcore.llm.Provider`."""

from __future__ import annotations

from wompcore.llm.providers.openai_style import OpenAiStyle

__all__ = ["OpenAiStyle"]
