"""Which models are asked, in which order, and why the next one is."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from wompcore.errors import BreakerOpen, ContextTooLong, ModelError, ModelRateLimited, ModelUnavailable
from wompcore.llm.deadline import Deadline
from wompcore.llm.reply import PassedOver, Provider, Reason


class Answer(Protocol):
    """A reply, or the beginning of one."""

    async def refused(self) -> bool:
        """Tell whether the model will not answer; what nobody will read is ended then."""
        ...


T = TypeVar("T", bound=Answer)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that may answer.

    Args:
        model: The model's id.
        provider: Who runs it; the client's own provider when left out.
    """

    model: str
    provider: Provider | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Models in the order in which they are asked, until one answers.

    The next is asked when one is left alone by its breaker, rate limits us beyond the deadline, does
    not answer, or cannot read a request of that length. Any other error ends the call: it would be the
    same everywhere, or is ours to mend. Where a budget advises a cheaper model, only that one is asked.
    The time to the deadline is shared among those left, so that one that hangs leaves some to the next.

    Args:
        choices: At least one.
        on_refusal: Also ask the next when one will not answer; the refusal has cost money by then.
            A streamed one counts while nothing of it has been handed on.
    """

    choices: tuple[Choice, ...]
    on_refusal: bool = False

    @classmethod
    def of(cls, *models: str, on_refusal: bool = False) -> Route:
        """Return the route over models of the client's own provider; empty names are left out."""
        return cls(tuple(Choice(model) for model in dict.fromkeys(models) if model), on_refusal)


class CheaperWanted(Exception):
    """A budget advises to ask a cheaper model instead. It ends one choice of a route, and no call.

    Args:
        choice: The model.
        attempts: Requests that were sent before.
    """

    def __init__(self, choice: Choice, attempts: int) -> None:
        super().__init__("a budget that it counts to is used up")
        self.choice = choice
        self.attempts = attempts


def reason_to_move_on(error: ModelError) -> Reason | None:
    """Return why the next model may succeed where this one did not, ``None`` when it would not."""
    match error:
        case BreakerOpen():
            return "breaker_open"
        case ModelRateLimited():
            return "rate_limited"
        case ModelUnavailable():
            return "unavailable"
        case ContextTooLong():
            return "context_too_long"
        case _:
            return None


async def follow(
    route: Route,
    ask: Callable[[Choice, Deadline], Awaitable[T]],
    deadline: Deadline,
) -> tuple[T, tuple[PassedOver, ...]]:
    """Ask one model after the other; return the first answer and who was passed over.

    Args:
        route: Who may be asked.
        ask: Asks one, which has to answer, or to begin to, before the deadline it is given.
        deadline: The moment after which nobody else is asked.

    Raises:
        ModelError: The last one's, with the attempts of all.
    """
    passed: list[PassedOver] = []
    waiting = deque(route.choices)
    while waiting:
        choice = waiting.popleft()
        is_last = not waiting
        try:
            answer = await ask(choice, deadline.share(1 + len(waiting)))
        except CheaperWanted as advice:
            passed.append(PassedOver(choice.model, "budget", str(advice), advice.attempts))
            waiting = deque([advice.choice])
        except ModelError as error:
            attempts = error.attempts
            error.attempts += sum(earlier.attempts for earlier in passed)
            reason = reason_to_move_on(error)
            if reason is None or is_last or deadline.left_s() <= 0:
                raise
            log.warning("%s is passed over: %s", choice.model, error)
            passed.append(PassedOver(choice.model, reason, error.message, attempts))
        else:
            final = is_last or not route.on_refusal or deadline.left_s() <= 0
            if final or not await answer.refused():
                return answer, tuple(passed)
            passed.append(PassedOver(choice.model, "refused", "the model will not answer", 1))
    raise ValueError("a route needs at least one choice")
