"""What the owners must hear: thresholds of budgets, once each, and what else is told them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress

from wompbot_cogs.budgets import Known, amount, named, subject
from wompcore.costs import EVERYWHERE, Budgets, Crossing
from wompcore.db import Listener
from wompcore.jobs import Outbox
from wompcore.money import show_usd
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_crossings import CROSSINGS

REACHED = "**{percent} % spent: {subject}, per {period}.** {spent} of {limit}."
STEP = "**{threshold} spent: {subject}, per {period}.** {spent} so far."
REFUSED = (
    "**{calls} are refused: {subject}, per {period}.** The next one might have gone beyond {threshold}; "
    "{spent} is spent or held by calls in progress."
)
CLOSED = (
    "**Budget closed: {subject}, per {period}.** A call cost more than its provider was allowed, so nothing "
    "more is spent until the window resets or you lift it (`/budget lift {number}`). "
    "{spent} so far."
)
MODELS = "\nModels in {month} (UTC): {models}."

_MODELS = 3
_LOOK_S = 60.0  # what nobody was told of is found then

_log = logging.getLogger(__name__)


class Alerts:
    """Hands crossings to the outbox. Made by :meth:`open`.

    What no process has handed out yet is handed out by the first that is ready: every crossing is in the
    database, and its number is part of the delivery's key. So several processes deliver each once.

    Args:
        budgets: Knows the crossings.
        outbox: Takes deliveries.
        costs: Knows what models cost.
        channel_id: Where alerts go; ``None`` for direct messages to the owners, who are told as well
            when the channel is gone or closed to the bot.
        owners: Tells who they are; nobody until the bot has logged in.
        known: Names what budgets are for.

    Attributes:
        untold: How many alerts have reached nobody, though it was tried; they are tried again.
    """

    def __init__(
        self,
        budgets: Budgets,
        outbox: Outbox,
        costs: CostRepository,
        channel_id: int | None,
        owners: Callable[[], Collection[int]],
        known: Known,
    ) -> None:
        self._budgets = budgets
        self._outbox = outbox
        self._costs = costs
        self._channel_id = channel_id
        self._owners = owners
        self._known = known
        self._early: deque[tuple[str, str]] = deque()
        self.untold = 0
        self._news = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        budgets: Budgets,
        outbox: Outbox,
        costs: CostRepository,
        listener: Listener,
        *,
        channel_id: int | None,
        owners: Callable[[], Collection[int]],
        known: Known,
    ) -> AsyncIterator[Alerts]:
        """Hand out whatever is crossed while the context lasts, and what was before."""
        alerts = cls(budgets, outbox, costs, channel_id, owners, known)
        listener.on(CROSSINGS, lambda _: alerts.look())
        watching = asyncio.create_task(alerts._watch(), name="wompbot-alerts")
        try:
            yield alerts
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def look(self) -> None:
        """Look for crossings soon."""
        self._news.set()

    async def ready(self) -> None:
        """Look for crossings; a listener of the bot, which knows its owners now."""
        self.look()

    async def deliver(self, crossing: Crossing) -> None:
        """Give one crossing to the outbox."""
        text = words(crossing, self._known) + await self._by_model(crossing)
        await self.tell(f"crossing:{crossing.id}", text)

    async def tell(self, key: str, text: str) -> None:
        """Tell the owners something, once per key; until one of them has heard it, it is tried again.

        Before the bot has logged in, and so knows them, it waits here.

        Args:
            key: Names it.
            text: What it says, at most 2,000 characters.
        """
        owners = sorted(self._owners())
        if not owners:
            self._early.append((key, text))
            return
        if self._channel_id is not None:
            await self._outbox.post(key, self._channel_id, text, topic=key, else_to=owners)
            return
        for owner in owners:
            await self._outbox.post(f"{key}:{owner}", None, text, owner, topic=key)

    async def _by_model(self, crossing: Crossing) -> str:
        if (crossing.period, crossing.unit) != ("month", "usd") or crossing.scope not in ("all", "guild"):
            return ""
        month = crossing.crossed_at
        totals = await self._costs.by_model(int(crossing.key or EVERYWHERE), month, limit=_MODELS)
        models = ", ".join(f"{named(total.key)} {show_usd(total.cost_usd)}" for total in totals)
        return MODELS.format(month=f"{month:%B %Y}", models=models) if models else ""

    async def _watch(self) -> None:
        while True:
            try:
                if self._owners():  # where there is a channel too: it may be closed to the bot
                    while self._early:
                        await self.tell(*self._early[0])
                        self._early.popleft()
                    await self._budgets.hand_out(self.deliver)
                self.untold = len(await self._outbox.untold())
            except Exception:  # whatever it is, the alert is still in the database
                _log.exception("alerts are handed out later")
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._news.wait()
            self._news.clear()


def words(crossing: Crossing, known: Known) -> str:
    """Return what an owner reads."""
    if crossing.closed or crossing.refused:
        form = CLOSED if crossing.closed else REFUSED
    else:
        form = REACHED if crossing.percent else STEP
    background = crossing.amount is not None and crossing.threshold < crossing.amount
    return form.format(
        calls="Background calls" if background else "Calls",
        percent=crossing.percent,
        subject=subject(crossing.scope, crossing.key, known),
        period=crossing.period,
        spent=amount(crossing.spent, crossing.unit),
        threshold=amount(crossing.threshold, crossing.unit),
        limit="no limit" if crossing.amount is None else amount(crossing.amount, crossing.unit),
        number=crossing.budget_id,
    )
