"""Settings of the library: typed, validated, read once."""

from __future__ import annotations

from wompcore.config.load import ENV_PREFIX, load_settings
from wompcore.config.sections import (
    CacheSettings,
    ClaimSettings,
    CoreSettings,
    CostSettings,
    DatabaseSettings,
    HttpSettings,
    IngestSettings,
    LimitSettings,
    LlmSettings,
    Price,
    SearchSettings,
    Section,
)

__all__ = [
    "ENV_PREFIX",
    "CacheSettings",
    "ClaimSettings",
    "CoreSettings",
    "CostSettings",
    "DatabaseSettings",
    "HttpSettings",
    "IngestSettings",
    "LimitSettings",
    "LlmSettings",
    "Price",
    "SearchSettings",
    "Section",
    "load_settings",
]
