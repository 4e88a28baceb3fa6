"""The delivery outbox: a message that must arrive, and arrive once.

A delivery is a row with a key. Before a send begins the row is marked doubtful, and so it stays when
the send fails, times out or its process dies: then the channel is searched for the message before it
is sent again. What remains possible is a second message where the channel's search cannot find the
first; a delivery is never lost.

One that is refused, or fails too often, is given up. Not so one with a topic, which somebody must hear: it
goes to others instead, and while nobody has heard of its topic it is tried hourly, for three weeks.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Protocol

from wompcore.errors import DeliveryRefused
from wompcore.jobs.jobs import Jobs
from wompcore.text import clean

SENDS_MAX = 5
"""Sends of one delivery at most; after the last doubtful one it is only searched for."""

LATER_S = 3600.0
"""Seconds between the tries of what nobody has heard."""

SEND_WITHIN_S = 30.0
"""Seconds a search and a send may take together."""

_LONGEST_TRIES = 500
_QUEUE = "deliveries"
_SEND, _SWEEP = "outbox.send", "outbox.sweep"
_NONCE_LENGTH = 25  # Discord's limit

_log = logging.getLogger(__name__)


class Sender(Protocol):
    """Sends messages to channels."""

    async def direct_channel(self, person_id: int) -> int:
        """Return the channel of a person's direct messages; the same one each time.

        Raises:
            DeliveryRefused: There is no such person.
        """
        ...

    async def send(self, channel_id: int, text: str, nonce: str) -> int:
        """Send a message that carries the nonce and return its id.

        Raises:
            DeliveryRefused: It was not sent and never can be.
        """
        ...

    async def find(self, channel_id: int, nonce: str) -> int | None:
        """Return the id of the message in the channel that carries the nonce, if there is one."""
        ...


class Delivery(Protocol):
    """A delivery that is being made."""

    @property
    def key(self) -> str:
        """Its key."""
        ...

    @property
    def channel_id(self) -> int | None:
        """Where it goes; ``None`` for the person's direct messages."""
        ...

    @property
    def person_id(self) -> int | None:
        """Whom it is for."""
        ...

    @property
    def text(self) -> str:
        """What it says."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was begun, this time included."""
        ...

    @property
    def doubtful(self) -> bool:
        """Whether it may have been sent already."""
        ...

    @property
    def topic(self) -> str | None:
        """What others of the same topic say too."""
        ...

    @property
    def else_to(self) -> Sequence[int]:
        """People who are told instead when it is refused."""
        ...


class Untold(Protocol):
    """What nobody has heard, though it was tried."""

    @property
    def text(self) -> str:
        """What it says."""
        ...

    @property
    def error(self) -> str:
        """Why nobody has heard it."""
        ...


class Deliveries(Protocol):
    """Where deliveries are kept."""

    async def add(
        self,
        key: str,
        channel_id: int | None,
        text: str,
        person_id: int | None,
        topic: str | None,
        else_to: Sequence[int],
    ) -> bool:
        """Keep a delivery; return whether its key is new."""
        ...

    async def begin(self, key: str) -> Delivery | None:
        """Count an attempt and mark the delivery doubtful; ``None`` when it is settled or unknown."""
        ...

    async def sent(self, key: str, message_id: int) -> None:
        """Note that it has arrived."""
        ...

    async def failed(self, key: str, error: str, *, final: bool) -> None:
        """Note what went wrong, and whether it is given up."""
        ...

    async def elsewhere(self, key: str, error: str) -> list[str]:
        """Give a delivery up and keep one to each of those who are told instead; return their keys."""
        ...

    async def heard(self, topic: str) -> bool:
        """Return whether a delivery of a topic has arrived."""
        ...

    async def open_keys(self) -> list[str]:
        """Return the deliveries that have neither arrived nor been given up, oldest first."""
        ...

    async def untold(self) -> Sequence[Untold]:
        """Return the topics of late that were tried and that nobody has heard."""
        ...


class Outbox:
    """Accepts deliveries, and makes them where there is a sender.

    Args:
        jobs: Runs them.
        deliveries: Keeps them.
    """

    def __init__(self, jobs: Jobs, deliveries: Deliveries) -> None:
        self._jobs = jobs
        self._deliveries = deliveries
        self._sender: Sender | None = None

    def serve(self, sender: Sender) -> None:
        """Make deliveries in this process; until then they wait for another one or for this call."""
        self._sender = sender
        self._jobs.register(_SEND, self._deliver, queue=_QUEUE, retry=5)
        self._jobs.register(_SWEEP, self._sweep, queue=_QUEUE, cron="*/5 * * * *")

    async def post(
        self,
        key: str,
        channel_id: int | None,
        text: str,
        person_id: int | None = None,
        *,
        topic: str | None = None,
        else_to: Sequence[int] = (),
    ) -> bool:
        """Deliver a text to a channel, once per key, whatever happens to this process afterwards.

        Args:
            key: Names the delivery: posted again, nothing happens.
            channel_id: Where it goes; ``None`` for the direct messages of ``person_id``.
            text: What it says, at most 2,000 characters (Discord's limit).
            person_id: Whom it is for, when it holds something about a person.
            topic: Names what somebody must hear, by this delivery or another one of the topic.
            else_to: People who are told instead, in private, when it is refused.

        Returns:
            Whether the key is new.

        Raises:
            ValueError: There is neither a channel nor a person.
        """
        if channel_id is None and person_id is None:
            raise ValueError("a delivery goes to a channel or to a person")
        added = await self._deliveries.add(key, channel_id, clean(text), person_id, topic, else_to)
        if added:
            await self._order(key)  # lost in a crash here, the sweep makes up for it
        return added

    async def untold(self) -> Sequence[Untold]:
        """Return the topics of the last 30 days that were tried and that nobody has heard."""
        return await self._deliveries.untold()

    async def _order(self, key: str, wait_s: float = 0.0) -> None:
        await self._jobs.defer(_SEND, key, queue=_QUEUE, wait_s=wait_s, delivery=key)

    async def _sweep(self) -> None:
        for key in await self._deliveries.open_keys():
            await self._order(key)

    async def _deliver(self, delivery: str) -> None:
        begun = await self._deliveries.begin(delivery)
        if begun is None:
            return
        try:
            async with asyncio.timeout(SEND_WITHIN_S):
                message_id = await self._find_or_send(begun)
        except Exception as error:
            await self._put_off(begun, error)
        else:
            await self._deliveries.sent(delivery, message_id)

    async def _find_or_send(self, delivery: Delivery) -> int:
        assert self._sender is not None  # this job is registered where there is a sender
        nonce, channel_id = nonce_of(delivery.key), delivery.channel_id
        if channel_id is None:
            if delivery.person_id is None:
                raise DeliveryRefused("the person it was for is gone")
            channel_id = await self._sender.direct_channel(delivery.person_id)
        if delivery.doubtful:
            found = await self._sender.find(channel_id, nonce)
            if found is not None:
                return found
            if delivery.attempts > SENDS_MAX and delivery.topic is None:
                raise DeliveryRefused(f"not sent in {SENDS_MAX} tries")
        return await self._sender.send(channel_id, delivery.text, nonce)

    async def _put_off(self, delivery: Delivery, error: Exception) -> None:
        key, problem = delivery.key, clean(str(error)) or type(error).__name__
        _log.warning("delivery %s: %s", key, problem)
        wait_s = min(5.0 * 3 ** min(delivery.attempts - 1, 5), 600.0)
        if isinstance(error, DeliveryRefused) or delivery.attempts > 2 * SENDS_MAX:
            if delivery.else_to:
                for other in await self._deliveries.elsewhere(key, problem):
                    await self._order(other)  # lost in a crash here, the sweep makes up for it
                return
            if await self._may_be_given_up(delivery):
                await self._deliveries.failed(key, problem, final=True)
                return
            wait_s = LATER_S
        await self._deliveries.failed(key, problem, final=False)
        await self._order(key, wait_s)

    async def _may_be_given_up(self, delivery: Delivery) -> bool:
        if delivery.topic is None or await self._deliveries.heard(delivery.topic):
            return True
        _log.error("nobody has heard yet of %s; it is tried again in an hour", delivery.topic)
        return delivery.attempts > _LONGEST_TRIES


def nonce_of(key: str) -> str:
    """Return the nonce that a delivery's message carries."""
    return hashlib.sha256(key.encode()).hexdigest()[:_NONCE_LENGTH]
