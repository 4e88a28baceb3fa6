"""The one path to a model: reserve, send, settle."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from wompcore.clock import Clock, SystemClock
from wompcore.llm.breaker import BreakerState
from wompcore.llm.breakers import FAIR_TRIAL_S, Breakers, Endpoint
from wompcore.llm.call import Call, Ledger
from wompcore.llm.estimate import expected, worst
from wompcore.llm.reply import Provider, ProviderAnswer, Reply
from wompcore.llm.reply_stream import Arrival, ReplyStream
from wompcore.llm.request import ChatRequest
from wompcore.llm.retry import Retry
from wompcore.llm.route import REFUSALS, Choice, Route, follow
from wompcore.llm.turn import Turn, Turns
from wompcore.observe import SILENT, Labels, Meter
from wompcore.usage import Usage

if TYPE_CHECKING:
    from pydantic import BaseModel

    from wompcore.config import LlmSettings

    M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

_STATES: Mapping[BreakerState, int] = {"closed": 0, "half_open": 1, "open": 2}


class ChatClient:
    """Asks models, through one provider or several.

    Args:
        provider: Who is asked unless a route names another.
        settings: Models, limits.
        ledger: Admits and records each call.
        clock: Real time; a log's clock would not move while a request waits.
        breakers: Those shared with other processes; its own when left out.
        meter: Is told of calls, tokens, seconds by stage, retries and breakers.
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
        breakers: Breakers | None = None,
        meter: Meter = SILENT,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._ledger = ledger
        self._monotonic = (clock or SystemClock()).monotonic
        self._retry = Retry(settings.attempts, self._monotonic, sleep=sleep, chance=chance)
        fair_trial_s = min(FAIR_TRIAL_S, settings.deadline_s / 2)
        self._breakers = breakers or Breakers(clock, fair_trial_s=fair_trial_s)
        self._turns = Turns(settings.concurrency, self._breakers)
        self._meter = meter
        meter.watch("llm_breaker_state", self._read_breakers)

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
            lambda choice: self._complete(request, choice, deadline),
            refused=lambda reply: reply.finish_reason in REFUSALS,
            in_time=lambda: self._left_s(deadline) > 0,
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
            lambda choice: self._begin(request, choice, deadline),
            refused=lambda arriving: False,
            in_time=lambda: self._left_s(deadline) > 0,
        )
        arriving.passed_over = passed_over
        try:
            yield arriving
        finally:
            await arriving.close()

    async def ask(self, request: ChatRequest, shape: type[M], route: Route | None = None) -> M:
        """Ask for an answer of a given shape; one that misses it is sent back once, with what is wrong.

        Args:
            request: What to ask; ``deadline_s`` is for both attempts together.
            shape: What the answer must be.
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
            lambda each: self.complete(replace(each, deadline_s=self._left_s(deadline)), route),
        )

    async def probe(self) -> str:
        """Check that the endpoint answers and takes the key, at no cost.

        Returns:
            One line for the operator.

        Raises:
            ModelError: It does not; the leaf says why and its hint what to do.
        """
        return await self._provider.probe(self._settings.model)

    def breakers(self) -> Mapping[Endpoint, BreakerState]:
        """Return the breaker's state of each provider and model asked so far."""
        return self._breakers.states()

    # -- one model -------------------------------------------------------------------------------

    async def _complete(self, request: ChatRequest, choice: Choice, deadline: float) -> Reply:
        provider, call = self._call(request, choice)
        body = provider.encode(request, choice.model)

        async def send(turn: Turn) -> ProviderAnswer:
            answer = await provider.complete(body)
            turn.end(None)
            return answer

        return await call.reply(*await self._try(send, call, request, deadline))

    async def _begin(self, request: ChatRequest, choice: Choice, deadline: float) -> ReplyStream:
        provider, call = self._call(request, choice)
        body = provider.encode(request, choice.model, stream=True)
        first_s, idle_s = self._settings.first_token_timeout_s, self._settings.idle_timeout_s

        async def send(turn: Turn) -> Arrival:
            deltas = provider.stream(body, first_token_s=first_s, idle_s=idle_s)
            return await Arrival(turn, deltas, len(body)).begin()

        arrival, attempts = await self._try(send, call, request, deadline)
        return ReplyStream(arrival, call, attempts, lambda: self._left_s(deadline))

    def _call(self, request: ChatRequest, choice: Choice) -> tuple[Provider, Call]:
        provider = choice.provider or self._provider
        endpoint = (provider.name, choice.model)
        self._breakers.refuse_while_open(endpoint)
        return provider, Call(
            endpoint, self._ledger, self._meter, lambda: Usage(input=expected(request).input, estimated=True)
        )

    async def _try(
        self, send: Callable[[Turn], Awaitable[T]], call: Call, request: ChatRequest, deadline: float
    ) -> tuple[T, int]:
        """Reserve and run the retry loop, all before the deadline; a call that fails is given up."""

        async def attempt() -> T:
            asked = time.perf_counter()
            turn = await self._turns.take(call.endpoint)
            began = time.perf_counter()
            call.attempt_begins(began - asked)
            try:
                result = await send(turn)
            except BaseException as error:
                turn.end(TimeoutError() if limit.expired() else error)
                call.attempt_ended(error, time.perf_counter() - began)
                raise
            call.attempt_ended(None, time.perf_counter() - began)
            return result

        try:
            async with asyncio.timeout(self._left_s(deadline)) as limit:
                most = worst(request)
                await call.reserve(request.attribution, most.input, most.output)
                result, attempts = await self._retry.run(attempt, deadline)
        except TimeoutError as error:
            late = call.too_late()
            await call.give_up(late)
            raise late from error
        except BaseException as error:
            call.retried(getattr(error, "attempts", 1))
            await call.give_up(error)
            raise
        call.retried(attempts)
        return result, attempts

    # -- what every call needs -------------------------------------------------------------------

    def _fill_in(self, request: ChatRequest) -> tuple[ChatRequest, float]:
        """Return the request with nothing left to the provider, and its deadline."""
        settings = self._settings
        filled = replace(
            request,
            model=request.model or settings.model,
            max_tokens=request.max_tokens or settings.max_tokens,
            temperature=settings.temperature if request.temperature is None else request.temperature,
        )
        return filled, self._monotonic() + (request.deadline_s or settings.deadline_s)

    def _route(self, model: str) -> Route:
        return Route.of(model, *(name.strip() for name in self._settings.fallback_model.split(",")))

    def _left_s(self, deadline: float) -> float:
        return deadline - self._monotonic()

    def _read_breakers(self) -> Iterator[tuple[Labels, float]]:
        for (provider, model), state in self.breakers().items():
            yield {"provider": provider, "model": model}, _STATES[state]
