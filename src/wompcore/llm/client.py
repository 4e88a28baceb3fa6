"""The one path to a model: reserve, send, settle."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from wompcore.clock import Clock, SystemClock
from wompcore.errors import BreakerOpen, ModelBusy, ModelError, ModelRateLimited, ModelUnavailable
from wompcore.llm.breaker import Breaker, BreakerState
from wompcore.llm.reply import Provider, ProviderAnswer, Reply
from wompcore.llm.request import ChatRequest
from wompcore.llm.retry import Retry
from wompcore.money import Usd
from wompcore.usage import Usage

if TYPE_CHECKING:
    from wompcore.config import LlmSettings
    from wompcore.costs import Call, Reservation

log = logging.getLogger(__name__)

_FAIR_TRIAL_S = 5.0


class Ledger(Protocol):
    """What the client needs of the ledger of ``wompcore.costs``."""

    async def reserve(self, calls: Sequence[Call]) -> Sequence[Reservation]:
        """Admit calls before they start; raises when one has no known price or no budget."""
        ...

    async def settle(self, pairs: Sequence[tuple[Reservation, Usage]]) -> Sequence[Usd]:
        """Record calls that were made and return what each cost; once begun it is finished."""
        ...

    async def release(self, reservations: Sequence[Reservation]) -> None:
        """Give back calls that got no answer."""
        ...


class ChatClient:
    """Completes chat requests through one provider.

    Args:
        provider: Who is asked.
        settings: Models, limits.
        ledger: Admits and records each call.
        clock: Real time; a log's clock would not move while a request waits.
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
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._ledger = ledger
        self._monotonic = (clock or SystemClock()).monotonic
        self._retry = Retry(settings.attempts, self._monotonic, sleep=sleep, chance=chance)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._breakers: dict[str, Breaker] = {}
        # A shorter silence is the caller's hurry, not the endpoint's fault.
        self._fair_trial_s = min(_FAIR_TRIAL_S, settings.deadline_s / 2)

    async def complete(self, request: ChatRequest) -> Reply:
        """Ask the model, or the fallback model when the first is unavailable.

        Args:
            request: What to ask; left as it is.

        Raises:
            ModelError: There was no usable answer; the leaf says why. Nothing is recorded then.
            UnknownPrice: The model has no known price; nothing was sent.
        """
        settings = self._settings
        deadline = self._monotonic() + (request.deadline_s or settings.deadline_s)
        asked = replace(
            request,
            model=request.model or settings.model,
            max_tokens=request.max_tokens or settings.max_tokens,
            temperature=settings.temperature if request.temperature is None else request.temperature,
        )
        try:
            return await self._ask(asked, deadline)
        except (ModelUnavailable, ModelRateLimited, BreakerOpen) as error:
            if settings.fallback_model in ("", asked.model) or self._monotonic() >= deadline:
                raise
            log.warning("falling back from %s to %s: %s", asked.model, settings.fallback_model, error)
            reply = await self._ask(replace(asked, model=settings.fallback_model), deadline)
            return replace(reply, attempts=reply.attempts + error.attempts)

    async def probe(self) -> str:
        """Check that the endpoint answers and takes the key, at no cost.

        Returns:
            One line for the operator.

        Raises:
            ModelError: It does not; the leaf says why and its hint what to do.
        """
        return await self._provider.probe(self._settings.model)

    def breakers(self) -> Mapping[str, BreakerState]:
        """Return the breaker's state of each model asked so far."""
        now = self._monotonic()
        return {model: breaker.state(now) for model, breaker in self._breakers.items()}

    async def _ask(self, request: ChatRequest, deadline: float) -> Reply:
        breaker = self._breakers.get(request.model) or self._breakers.setdefault(request.model, Breaker())
        self._refuse_while_open(breaker, request.model)
        body = self._provider.encode(request, request.model)
        [reservation] = await self._ledger.reserve([self._call(request, body)])

        async def attempt() -> ProviderAnswer:
            return await self._attempt(body, request.model, breaker, deadline)

        try:
            answer, attempts = await self._retry.run(attempt, deadline)
        except BaseException:
            await self._ledger.release([reservation])
            raise
        [cost] = await self._ledger.settle([(reservation, answer.usage)])
        return Reply(
            text=answer.text,
            tool_calls=answer.tool_calls,
            finish_reason=answer.finish_reason,
            usage=answer.usage,
            model=answer.model or request.model,
            provider=self._provider.name,
            request_id=answer.request_id,
            attempts=attempts,
            cost=cost,
        )

    def _call(self, request: ChatRequest, body: bytes) -> Call:
        from wompcore.costs import Call  # here, so that importing this room loads no database driver

        assert request.max_tokens is not None
        return Call(
            provider=self._provider.name,
            model=request.model,
            attribution=request.attribution,
            max_output_tokens=request.max_tokens,
            input_bytes=len(body),
        )

    async def _attempt(self, body: bytes, model: str, breaker: Breaker, deadline: float) -> ProviderAnswer:
        """Send once, when it is this call's turn, and tell the breaker how it went."""
        self._refuse_while_open(breaker, model)
        permit, began = None, 0.0
        try:
            async with asyncio.timeout(deadline - self._monotonic()), self._slots:
                self._refuse_while_open(breaker, model)  # it may have opened while we waited
                began = self._monotonic()
                permit = breaker.admit(began)
                answer = await self._provider.complete(body)
        except TimeoutError as error:
            if permit is None:
                raise ModelBusy(f"{self._settings.concurrency} calls are in flight and none ended") from error
            now = self._monotonic()
            if now - began >= self._fair_trial_s:
                breaker.failed(permit, now)
            else:
                breaker.abandoned(permit)
            raise ModelUnavailable(f"{self._provider.name} gave no answer before the deadline") from error
        except BaseException as error:
            if permit is not None:
                self._report(breaker, permit, error)
            raise
        breaker.succeeded(permit)
        return answer

    def _report(self, breaker: Breaker, permit: int, error: BaseException) -> None:
        if isinstance(error, ModelUnavailable):
            breaker.failed(permit, self._monotonic())
        elif isinstance(error, ModelError):
            breaker.succeeded(permit)  # it answered, if only to refuse
        else:
            breaker.abandoned(permit)

    def _refuse_while_open(self, breaker: Breaker, model: str) -> None:
        wait_s = breaker.wait_s(self._monotonic())
        if wait_s is not None:
            raise BreakerOpen(
                f"{self._provider.name} failed {breaker.failures} times with {model} and is left alone "
                f"for another {wait_s:.0f} s",
                retry_after_s=wait_s,
            )
