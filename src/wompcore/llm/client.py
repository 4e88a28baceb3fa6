"""The one path to a model: reserve, send, settle."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from wompcore.clock import Clock, SystemClock
from wompcore.errors import ModelRequestRefused
from wompcore.llm.breaker import BreakerState
from wompcore.llm.breakers import FAIR_TRIAL_S, Breakers, Endpoint
from wompcore.llm.call import Call, Ledger
from wompcore.llm.deadline import Deadline
from wompcore.llm.estimate import (
    TokenEstimate,
    expected,
    expected_audio,
    expected_text,
    worst,
    worst_audio,
    worst_text,
)
from wompcore.llm.media import Audio, Embeddings, MediaProvider, Transcript
from wompcore.llm.recording import length_s
from wompcore.llm.reply import Provider, Reply
from wompcore.llm.reply_stream import Arrival, ReplyStream
from wompcore.llm.request import ChatRequest
from wompcore.llm.retry import Retry
from wompcore.llm.route import Choice, Route, follow
from wompcore.llm.sender import Sender
from wompcore.llm.turn import Turn, Turns
from wompcore.observe import SILENT, Meter
from wompcore.usage import Attribution

if TYPE_CHECKING:
    from wompcore.config import LlmSettings

    T = TypeVar("T")
    A = TypeVar("A", Embeddings, Transcript)


class ChatClient:
    """Asks models, through one provider or several.

    Args:
        provider: Who is asked unless a route names another.
        settings: Models, limits.
        ledger: Admits and records each call.
        clock: Real time; a log's clock would not move while a request waits.
        media: Who makes vectors and hears speech.
        breakers: Those shared with other processes; its own when left out.
        meter: Is told of calls, tokens, seconds by stage and retries.
        sleep: Waits between attempts.
        chance: Gives random numbers in [0, 1).
    """

    def __init__(
        self,
        provider: Provider,
        settings: LlmSettings,
        ledger: Ledger,
        clock: Clock | None = None,
        *,
        media: MediaProvider | None = None,
        breakers: Breakers | None = None,
        meter: Meter = SILENT,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._provider = provider
        self._media = media
        self._settings = settings
        self._fallbacks = [name for name in map(str.strip, settings.fallback_model.split(",")) if name]
        self._ledger = ledger
        self._meter = meter
        self._monotonic = (clock or SystemClock()).monotonic
        fair_trial_s = min(FAIR_TRIAL_S, settings.deadline_s / 2)
        self._breakers = breakers or Breakers(clock, fair_trial_s=fair_trial_s)
        self._sender = Sender(
            self._breakers,
            Turns(settings.concurrency, self._breakers),
            Retry(settings.attempts, sleep=sleep, chance=chance),
        )

    async def complete(self, request: ChatRequest, route: Route | None = None) -> Reply:
        """Ask a model, and the next of the route when one cannot answer.

        Args:
            request: What to ask; left as it is.
            route: Who may be asked, instead of the request's model and ``llm.fallback_model``.

        Raises:
            ModelError: There was no usable answer; the leaf says why.
            UnknownPrice: A model has no known price; nothing was sent to it.
        """
        request, deadline = self._fill_in(request)
        reply, passed_over = await follow(
            route or self._route(request.model),
            partial(self._complete, request, deadline),
            deadline,
        )
        return reply.after(passed_over)

    @asynccontextmanager
    async def stream(self, request: ChatRequest, route: Route | None = None) -> AsyncIterator[ReplyStream]:
        """Ask a model and hand on the reply while it arrives.

        Until something is shown, failures are met as in :meth:`complete`. After that nothing is begun
        anew by itself: the answer breaks off. Leaving the block ends the request.

        Args:
            request: What to ask; left as it is.
            route: Who may be asked, instead of the request's model and ``llm.fallback_model``.

        Raises:
            ModelError: The answer did not begin; the leaf says why.
            StreamBroken: It began and broke off; raised where it is read, with the part and its usage.
            UnknownPrice: A model has no known price; nothing was sent to it.
        """
        request, deadline = self._fill_in(request)
        arriving, passed_over = await follow(
            route or self._route(request.model),
            partial(self._begin, request, deadline),
            deadline,
        )
        arriving.passed_over = passed_over
        try:
            yield arriving
        finally:
            await arriving.close()

    async def ask(self, request: ChatRequest, shape: type[T], route: Route | None = None) -> T:
        """Ask for an answer of a given shape; one that misses it is sent back once, with what is wrong.

        Args:
            request: What to ask; ``deadline_s`` is for both attempts together.
            shape: What the answer must be: a pydantic model, or any type that pydantic knows.
            route: As for :meth:`complete`.

        Raises:
            StructuredAnswerInvalid: Neither answer has the shape.
            ModelError: There was no usable answer; the leaf says why.
        """
        from wompcore.llm.structured import ask_for

        request, deadline = self._fill_in(request)
        return await ask_for(
            shape,
            request,
            lambda each: self.complete(replace(each, deadline_s=deadline.left_s()), route),
        )

    async def embed(
        self,
        texts: Sequence[str],
        attribution: Attribution,
        *,
        model: str = "",
        dimensions: int | None = None,
    ) -> Embeddings:
        """Turn texts into vectors.

        Args:
            texts: At least one; as many as the endpoint takes at once.
            attribution: Why, for whom, where.
            model: Empty for ``llm.embedding_model``.
            dimensions: Length of the vectors, from models that let one choose.

        Raises:
            ModelError: There was no answer; the leaf says why.
            UnknownPrice: The model has no known price; nothing was sent.
        """
        model = model or self._settings.embedding_model
        media = self._media_for(model, "llm.embedding_model")
        most = TokenEstimate(sum(map(worst_text, texts)), 0)
        likely = TokenEstimate(sum(map(expected_text, texts)), 0)
        call = Call(
            media, model, attribution, most, lambda: likely, self._deadline(), self._ledger, self._meter
        )
        body = media.encode_texts(texts, model, dimensions=dimensions)
        return await self._ask_media(call, media.embed, body)

    async def transcribe(
        self, audio: Audio, attribution: Attribution, *, model: str = "", language: str = ""
    ) -> Transcript:
        """Turn speech into text. One that is longer than its header says may pass its reservation.

        Args:
            audio: The recording.
            attribution: Why, for whom, where.
            model: Empty for ``llm.transcription_model``.
            language: Spoken language, ISO 639-1; left to the model when empty.

        Raises:
            ModelError: There was no answer; the leaf says why.
            UnknownPrice: The model has no known price; nothing was sent.
        """
        model = model or self._settings.transcription_model
        media = self._media_for(model, "llm.transcription_model")
        told_s, longest_s = length_s(audio.data), self._settings.max_audio_s
        most = worst_audio(told_s, longest_s)
        likely = expected_audio(told_s, len(audio.data), longest_s)
        call = Call(
            media, model, attribution, most, lambda: likely, self._deadline(), self._ledger, self._meter
        )
        body = media.encode_audio(audio, model, language=language)

        async def listen(body: bytes) -> Transcript:
            return (await media.transcribe(body)).or_lasting(likely.audio_s)

        return await self._ask_media(call, listen, body)

    async def probe(self) -> str:
        """Check that the endpoint answers and takes the key, at no cost.

        Returns:
            One line for the operator.

        Raises:
            ModelError: It does not; the leaf says why and its hint what to do.
        """
        return await self._provider.probe(self._settings.model)

    def breakers(self) -> Mapping[Endpoint, BreakerState]:
        """Return the breaker's state of each address and model asked so far."""
        return self._breakers.states()

    # -- one model -------------------------------------------------------------------------------

    async def _complete(
        self, request: ChatRequest, deadline: Deadline, choice: Choice, share: Deadline
    ) -> Reply:
        provider, call, body = self._prepare(choice, request, deadline)
        answered = await self._sender.send(call, partial(_whole, provider.complete, body), share)
        return await call.reply(*answered)

    async def _begin(
        self, request: ChatRequest, deadline: Deadline, choice: Choice, share: Deadline
    ) -> ReplyStream:
        provider, call, body = self._prepare(choice, request, deadline, stream=True)
        first_s, idle_s = self._settings.first_token_timeout_s, self._settings.idle_timeout_s

        async def attempt(turn: Turn) -> Arrival:
            deltas = provider.stream(body, first_token_s=first_s, idle_s=idle_s)
            return await Arrival(turn, deltas, len(body)).begin()

        arrival, attempts = await self._sender.send(call, attempt, share)
        return ReplyStream(arrival, call, attempts)

    def _prepare(
        self, choice: Choice, request: ChatRequest, deadline: Deadline, *, stream: bool = False
    ) -> tuple[Provider, Call, bytes]:
        provider, model = choice.provider or self._provider, choice.model
        request = request.seen_by(provider.address, model)
        call = Call(
            provider,
            model,
            request.attribution,
            worst(request),
            lambda: expected(request),
            deadline,
            self._ledger,
            self._meter,
            self._settings.cheap_model if model != self._settings.cheap_model else "",
        )
        return provider, call, provider.encode(request, model, stream=stream)

    async def _ask_media(self, call: Call, send: Callable[[bytes], Awaitable[A]], body: bytes) -> A:
        answer, _ = await self._sender.send(call, partial(_whole, send, body), call.deadline)
        await call.settle(answer.usage)
        return answer

    def _media_for(self, model: str, setting: str) -> MediaProvider:
        if self._media is None or not model:
            hint = f"Set {setting}, and llm.provider to one that has it."
            raise ModelRequestRefused("no model was chosen for this", hint=hint)
        return self._media

    def _fill_in(self, request: ChatRequest) -> tuple[ChatRequest, Deadline]:
        """Return the request with nothing left to the provider, and its deadline."""
        filled = request.with_defaults(self._settings.max_tokens, self._settings.temperature)
        return filled, self._deadline(request.deadline_s)

    def _deadline(self, within_s: float | None = None) -> Deadline:
        return Deadline(self._settings.deadline_s if within_s is None else within_s, self._monotonic)

    def _route(self, model: str) -> Route:
        model = model or self._settings.model
        return Route.of(model, *self._fallbacks) if self._fallbacks else Route((Choice(model),))


async def _whole(send: Callable[[bytes], Awaitable[T]], body: bytes, turn: Turn) -> T:
    answer = await send(body)
    turn.end(None)
    return answer
