"""What can be set: one plain pydantic model per section, so an application adds its own beside them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)


def _one_word(key: SecretStr) -> SecretStr:
    """Strip what a file or a shell left around a key, which goes into a header."""
    found = key.get_secret_value().strip()
    if not found.isprintable():
        raise ValueError("a key has no line breaks or control characters")
    return SecretStr(found)


Key = Annotated[SecretStr, AfterValidator(_one_word)]


class Section(BaseModel):
    """A group of settings. Unknown keys are errors; an empty text counts as unset."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(Section):
    """Where the data is kept."""

    url: str = Field("", description="PostgreSQL URL; may go through a pooler. Empty: embedded server.")
    direct_url: str = Field("", description="URL past the pooler for LISTEN, migrations and workers.")
    data_dir: Path | None = Field(None, description="Embedded server's folder; empty: your data folder.")
    pool_min: int = Field(2, ge=1, le=100, description="Connections kept open.")
    pool_max: int = Field(25, ge=2, le=500, description="Connections at most.")
    statement_timeout_s: float = Field(30.0, gt=0, le=3600, description="Seconds a statement may run.")
    checkout_timeout_s: float = Field(5.0, gt=0, le=60, description="Seconds to wait for a connection.")


class HttpSettings(Section):
    """Outgoing HTTP."""

    connections_per_host: int = Field(100, ge=1, le=1000, description="Kept-alive connections per host.")
    connect_timeout_s: float = Field(5.0, gt=0, le=60, description="Seconds to wait for a connection.")


Omissible: TypeAlias = Literal["temperature", "stop", "seed", "tool_choice", "stream_options"]
"""A field of a chat request that some models refuse, and none needs."""


class LlmSettings(Section):
    """The model endpoint."""

    provider: Literal["openai_style", "anthropic"] = Field(
        "openai_style", description="The API it speaks: chat completions, or Anthropic's messages."
    )
    base_url: str = Field(
        "https://openrouter.ai/api/v1",
        description="API root: OpenRouter, Ollama, vLLM, llama.cpp, LiteLLM proxy, https://api.anthropic.com/v1.",
    )
    api_key: Key = Field(SecretStr(""), description="Key of the endpoint.")
    model: str = Field("deepseek/deepseek-chat", description="Model for chat.")
    claim_model: str = Field("", description="Model for claim checks; empty: the chat model.")
    fallback_model: str = Field(
        "", description="Model to ask when the first cannot answer; several in order, with commas between."
    )
    cheap_model: str = Field(
        "", description="Model that answers once a budget with `fall_back` is used up. Empty: as before."
    )
    embedding_model: str = Field("", description="Model for embeddings. Empty: none.")
    transcription_model: str = Field("", description="Model for transcriptions. Empty: none.")
    max_audio_s: float = Field(
        600.0,
        gt=0,
        le=86_400,
        description="Seconds reserved for a recording that does not tell its own.",
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict,
        description="Sent along with each chat request, such as OpenRouter's `provider`.",
    )
    max_tokens: int = Field(1000, ge=1, le=100_000, description="Answer length, tokens.")
    limit_name: Literal["", "max_tokens", "max_completion_tokens"] = Field(
        "", description="What chat completions call the answer's length. Empty: as the host is known to."
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="Sampling temperature of calls that name none. Empty: the model's own."
    )
    leave_out: frozenset[Omissible] = Field(
        frozenset(), description="Fields that the models refuse, never sent: `temperature`, for example."
    )
    attempts: int = Field(3, ge=1, le=10, description="Tries per call.")
    deadline_s: float = Field(60.0, gt=0, le=600, description="Seconds per call, retries included.")
    read_timeout_s: float | None = Field(
        None, gt=0, le=600, description="Seconds of silence on one try. Empty: until the deadline."
    )
    first_token_timeout_s: float = Field(
        30.0, gt=0, le=600, description="Seconds until a streamed answer begins."
    )
    idle_timeout_s: float = Field(
        20.0, gt=0, le=600, description="Seconds of silence inside a streamed answer."
    )
    concurrency: int = Field(32, ge=1, le=1000, description="Calls at once.")
    shared_breaker: bool = Field(
        False, description="Tell other processes, through the database, when the endpoint is down."
    )

    @field_validator("leave_out", mode="before")
    @classmethod
    def _apart(cls, value: Any) -> Any:
        """Take ``"seed, stop"`` apart: an environment variable can hold no list."""
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or not urlsplit(value).hostname:
            raise ValueError("must be a URL that starts with http:// or https://")
        return value.rstrip("/")


class Price(Section):
    """Dollars per million tokens."""

    input: Decimal = Field(ge=0, description="Per million prompt tokens.")
    output: Decimal = Field(ge=0, description="Per million answer tokens.")
    cached_input: Decimal | None = Field(
        None, ge=0, description="Per million prompt tokens read from the provider's cache; empty: as input."
    )
    cache_write: Decimal | None = Field(
        None, ge=0, description="Per million prompt tokens written to the provider's cache; empty: as input."
    )
    reasoning: Decimal | None = Field(
        None, ge=0, description="Per million tokens of hidden reasoning; empty: as output."
    )
    audio: Decimal | None = Field(
        None, ge=0, description="Per million prompt tokens of sound; empty: as input."
    )
    audio_minute: Decimal = Field(Decimal(0), ge=0, description="Dollars per minute of sound.")
    image: Decimal = Field(Decimal(0), ge=0, description="Dollars per image.")
    request: Decimal = Field(Decimal(0), ge=0, description="Dollars per call.")
    since: date | None = Field(None, description="First day (UTC) it is valid; empty: always.")


class CostSettings(Section):
    """Money."""

    prices: dict[str, Price | tuple[Price, ...]] = Field(
        default_factory=dict,
        description="Price per model or provider:model, dollars per million tokens, or several with the day "
        "each begins; wins over the table.",
    )
    default_price: Price | None = Field(None, description="Price of models that are in no table.")
    keep_months: int = Field(
        0, ge=0, le=1200, description="Months before the current one whose calls are kept one by one. 0: all."
    )


class ClaimSettings(Section):
    """Claim detection."""

    enabled: bool = Field(True, description="Look for claims at all.")
    reactions_pause_s: float = Field(
        5.0, ge=0, description="Reactions to a hot take are counted together for so many seconds."
    )
    person_cooldown_s: float = Field(300.0, ge=0, le=86_400, description="Seconds between checks per person.")
    guild_daily_cap: int = Field(50, ge=0, le=1_000_000, description="Checks per guild and day.")
    batch: int = Field(8, ge=1, le=20, description="Messages put to the model in one call at most.")
    gather_s: float = Field(
        2.0, ge=0, le=60, description="Seconds to wait for more messages, so that the best come first."
    )
    explore_share: float = Field(
        0.005, ge=0, le=0.1, description="Share of other messages checked too, to know what is missed."
    )
    explore_daily_cap: int = Field(
        10, ge=0, le=10_000, description="Of the checks per guild and day, those of other messages."
    )
    keep_lessons_days: int = Field(
        90, ge=1, le=90, description="Days that is kept what the filter learned from a message."
    )


class CacheSettings(Section):
    """Answers of outside services, kept for a while."""

    url: SecretStr = Field(
        SecretStr(""), description="Redis or Valkey URL, to share the cache between processes. Empty: memory."
    )
    entries: int = Field(10_000, ge=1, le=1_000_000, description="Entries in memory at most.")

    @field_validator("url")
    @classmethod
    def _is_redis(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if value and (parts.scheme not in ("redis", "rediss") or not parts.hostname):
            raise ValueError("must be a URL that starts with redis:// or rediss://")
        return value


class SearchSettings(Section):
    """Web search."""

    provider: Literal["", "searxng", "brave", "tavily"] = Field(
        "", description="Who searches. Empty: nobody."
    )
    base_url: str = Field("", description="Address of the SearXNG server; empty for the others' own.")
    api_key: Key = Field(SecretStr(""), description="Key of Brave or Tavily.")
    price: Decimal | None = Field(
        None, ge=0, description="Dollars per search; must be set for Brave and Tavily. SearXNG: nothing."
    )
    results: int = Field(5, ge=1, le=20, description="Results per search at most.")
    cache_s: float = Field(7200.0, ge=0, description="Seconds a search's results are kept; 0: not at all.")
    timeout_s: float = Field(10.0, gt=0, le=60, description="Seconds a search may take.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.provider == "searxng" and not self.base_url:
            raise ValueError("search.base_url must name the SearXNG server")
        if self.provider in ("brave", "tavily") and self.price is None:
            raise ValueError("search.price must say what a search costs, in dollars")
        if self.provider in ("brave", "tavily") and not self.api_key:
            raise ValueError(f"search.api_key must hold the key of {self.provider}")
        return self


class LimitSettings(Section):
    """Who may ask how often."""

    channel_slots: int = Field(3, ge=1, le=50, description="Replies in progress per channel.")
    channel_queue: int = Field(10, ge=0, le=1000, description="Requests waiting per channel at most.")
    channel_wait_s: float = Field(10.0, ge=0, le=300, description="Seconds to wait for a slot.")
    person_slots: int = Field(3, ge=1, le=50, description="Replies in progress per person.")
    person_cooldown_s: float = Field(3.0, ge=0, description="Seconds between requests per person.")
    reply_cost: Decimal = Field(
        Decimal("0.25"), gt=0, description="Dollars that a reply with tools may cost."
    )
    max_input_chars: int = Field(
        2000, ge=100, le=100_000, description="Characters of a request that are read."
    )


class IngestSettings(Section):
    """The message store."""

    batch: int = Field(500, ge=1, le=5000, description="Messages per statement at most.")
    flush_s: float = Field(0.25, gt=0, le=5, description="Seconds a message waits at most.")
    buffer: int = Field(20_000, ge=100, description="Messages held while the database is away.")


class CoreSettings(Section):
    """All settings of the library."""

    database: DatabaseSettings = Field(default_factory=lambda: DatabaseSettings())
    http: HttpSettings = Field(default_factory=lambda: HttpSettings())
    llm: LlmSettings = Field(default_factory=lambda: LlmSettings())
    costs: CostSettings = Field(default_factory=lambda: CostSettings())
    claims: ClaimSettings = Field(default_factory=lambda: ClaimSettings())
    cache: CacheSettings = Field(default_factory=lambda: CacheSettings())
    search: SearchSettings = Field(default_factory=lambda: SearchSettings())
    limits: LimitSettings = Field(default_factory=lambda: LimitSettings())
    ingest: IngestSettings = Field(default_factory=lambda: IngestSettings())

    @field_validator("database")
    @classmethod
    def _pool_order(cls, value: DatabaseSettings) -> DatabaseSettings:
        if value.pool_min > value.pool_max:
            raise ValueError("pool_min must not be above pool_max")
        return value
