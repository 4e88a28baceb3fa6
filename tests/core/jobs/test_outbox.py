"""A delivery arrives, and arrives once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from wompcore.db import Database, Listener
from wompcore.errors import DeliveryRefused
from wompcore.jobs import Jobs, Outbox, nonce_of
from wompcore.repos.deliveries import DeliveryRepository

LATER = "SELECT count(*) FROM procrastinate_jobs WHERE scheduled_at > now() + interval '50 minutes'"
ROW = "SELECT state, attempts, message_id, error FROM deliveries WHERE key = %s"


class Channel:
    """A channel that keeps what is sent to it, and can lose its answer or its temper."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, str]] = []
        self.troubles: list[Exception] = []  # raised one per send, before anything is sent
        self.lost_answers: list[Exception] = []  # raised one per send, after it was sent
        self.closed: set[int] = set()  # where nothing is taken
        self.searches = 0

    async def direct_channel(self, person_id: int) -> int:
        return 1000 + person_id

    async def send(self, channel_id: int, text: str, nonce: str) -> int:
        if channel_id in self.closed:
            raise DeliveryRefused("closed")
        if self.troubles:
            raise self.troubles.pop()
        self.messages.append((channel_id, text, nonce))
        if self.lost_answers:
            raise self.lost_answers.pop()
        return len(self.messages)

    async def find(self, channel_id: int, nonce: str) -> int | None:
        self.searches += 1
        for place, message in enumerate(self.messages, start=1):
            if message[0] == channel_id and message[2] == nonce:
                return place
        return None


@pytest.fixture
async def jobs(db: Database) -> AsyncIterator[Jobs]:
    async with Listener.open(db) as listener, Jobs.open(db, listener) as jobs:
        yield jobs


@pytest.fixture
def outbox(jobs: Jobs, db: Database) -> Outbox:
    return Outbox(jobs, DeliveryRepository(db))


async def settled(db: Database, key: str) -> tuple[object, ...]:
    async with asyncio.timeout(20):
        while True:
            row = await db.fetch_one(ROW, (key,))
            if row and row[0] in ("sent", "failed"):
                return row
            # What waits for its next try need not wait in a test.
            await db.execute(
                "UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE scheduled_at IS NOT NULL"
            )
            await asyncio.sleep(0.02)


async def test_a_delivery_arrives(outbox: Outbox, jobs: Jobs, db: Database) -> None:
    channel = Channel()
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    assert await outbox.post("reminder:1", 7, "tea", person_id=9)
    assert await settled(db, "reminder:1") == ("sent", 1, 1, "")
    assert channel.messages == [(7, "tea", nonce_of("reminder:1"))]
    assert channel.searches == 0


async def test_posting_is_two_statements(outbox: Outbox, db: Database) -> None:
    before = db.statements
    await outbox.post("k", 7, "tea")
    assert db.statements == before + 2


async def test_a_nonce_fits_discord_and_tells_keys_apart() -> None:
    assert len(nonce_of("a" * 1000)) == 25
    assert nonce_of("a") != nonce_of("b")


async def test_a_key_is_delivered_once(outbox: Outbox, jobs: Jobs, db: Database) -> None:
    channel = Channel()
    outbox.serve(channel)
    assert await outbox.post("k", 7, "tea")
    assert not await outbox.post("k", 7, "coffee")
    jobs.start(poll_s=0.05)
    await settled(db, "k")
    assert not await outbox.post("k", 7, "tea")
    assert [text for _, text, _ in channel.messages] == ["tea"]


async def test_without_a_sender_deliveries_wait_for_one(outbox: Outbox, jobs: Jobs, db: Database) -> None:
    jobs.start(poll_s=0.05)
    await outbox.post("k", 7, "tea")
    await asyncio.sleep(0.2)
    assert await db.fetch_one(ROW, ("k",)) == ("pending", 0, None, "")
    channel = Channel()
    outbox.serve(channel)
    assert await settled(db, "k") == ("sent", 1, 1, "")


async def test_a_send_that_went_through_but_seemed_to_fail_is_not_repeated(
    outbox: Outbox, jobs: Jobs, db: Database
) -> None:
    channel = Channel()
    channel.lost_answers.append(TimeoutError())
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    await outbox.post("k", 7, "tea")
    assert await settled(db, "k") == ("sent", 2, 1, "")
    assert len(channel.messages) == 1
    assert channel.searches == 1


async def test_a_send_that_really_failed_is_repeated(outbox: Outbox, jobs: Jobs, db: Database) -> None:
    channel = Channel()
    channel.troubles += [OSError("no route")] * 2
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    await outbox.post("k", 7, "tea")
    assert await settled(db, "k") == ("sent", 3, 1, "")
    assert len(channel.messages) == 1


@pytest.mark.parametrize("had_been_sent", [True, False])
async def test_after_a_crash_while_sending_the_channel_is_searched_first(
    outbox: Outbox, jobs: Jobs, db: Database, had_been_sent: bool
) -> None:
    channel = Channel()
    if had_been_sent:
        await channel.send(7, "tea", nonce_of("k"))
    await outbox.post("k", 7, "tea")
    await db.execute("UPDATE deliveries SET state = 'doubtful', attempts = 1")
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    assert await settled(db, "k") == ("sent", 2, 1, "")
    assert len(channel.messages) == 1
    assert channel.searches == 1


async def test_a_delivery_whose_job_was_lost_is_found_by_the_sweep(
    outbox: Outbox, jobs: Jobs, db: Database
) -> None:
    outbox.serve(Channel())
    await outbox.post("k", 7, "tea")
    await db.execute("DELETE FROM procrastinate_jobs")
    jobs.start(poll_s=0.05)
    await jobs.defer("outbox.sweep")
    assert await settled(db, "k") == ("sent", 1, 1, "")


async def test_a_channel_that_refuses_is_not_tried_again(outbox: Outbox, jobs: Jobs, db: Database) -> None:
    channel = Channel()
    channel.troubles.append(DeliveryRefused("the channel is gone"))
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    await outbox.post("k", 7, "tea")
    assert await settled(db, "k") == ("failed", 1, None, "the channel is gone")


async def test_a_delivery_is_given_up_after_five_sends(outbox: Outbox, jobs: Jobs, db: Database) -> None:
    channel = Channel()
    channel.troubles += [OSError("no route")] * 100
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    await outbox.post("k", 7, "tea")
    assert await settled(db, "k") == ("failed", 6, None, "not sent in 5 tries")
    assert len(channel.troubles) == 95


async def test_even_the_last_doubtful_send_is_looked_for(outbox: Outbox, jobs: Jobs, db: Database) -> None:
    channel = Channel()
    channel.troubles += [OSError("no route")] * 4
    channel.lost_answers.append(TimeoutError())
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    await outbox.post("k", 7, "tea")
    assert await settled(db, "k") == ("sent", 6, 1, "")


async def test_where_a_channel_refuses_others_are_told_instead(
    outbox: Outbox, jobs: Jobs, db: Database
) -> None:
    channel = Channel()
    channel.troubles.append(DeliveryRefused("the channel is gone"))
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    await outbox.post("k", 7, "tea", topic="k", else_to=[9, 10])
    assert await settled(db, "k") == ("failed", 1, None, "the channel is gone")
    assert [(await settled(db, f"k:{person}"))[0] for person in (9, 10)] == ["sent", "sent"]
    assert sorted(place for place, *_ in channel.messages) == [1009, 1010]
    assert await outbox.untold() == []


async def test_what_nobody_has_heard_is_never_given_up(outbox: Outbox, jobs: Jobs, db: Database) -> None:
    channel = Channel()
    channel.troubles += [DeliveryRefused("closed"), *[OSError("no route")] * 12, DeliveryRefused("closed")]
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    await outbox.post("k:9", None, "tea", 9, topic="k")
    assert await settled(db, "k:9") == ("sent", 15, 1, "")
    assert [text for _, text, _ in channel.messages] == ["tea"]


async def test_what_nobody_has_heard_waits_an_hour_and_is_known(
    outbox: Outbox, jobs: Jobs, db: Database
) -> None:
    channel = Channel()
    channel.closed = {1009}
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    await outbox.post("k:9", None, "tea", 9, topic="k")
    async with asyncio.timeout(20):
        while not await db.fetch_value(LATER):  # noqa: ASYNC110 # a worker writes it
            await asyncio.sleep(0.02)
    assert [(one.text, one.error) for one in await outbox.untold()] == [("tea", "closed")]
    await outbox.post("k:10", None, "tea", 10, topic="k")
    await settled(db, "k:10")
    assert await outbox.untold() == []
    assert (await settled(db, "k:9"))[0] == "failed"  # another one has heard


async def test_what_the_database_cannot_hold_stops_no_delivery(
    outbox: Outbox, jobs: Jobs, db: Database
) -> None:
    channel = Channel()
    channel.troubles.append(DeliveryRefused("bad\0words"))
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    await outbox.post("k", 7, "te\0a")
    assert await settled(db, "k") == ("failed", 1, None, "badwords")


async def test_a_delivery_to_a_person_goes_to_their_direct_messages(
    outbox: Outbox, jobs: Jobs, db: Database
) -> None:
    channel = Channel()
    channel.lost_answers.append(TimeoutError())
    outbox.serve(channel)
    jobs.start(poll_s=0.05)
    await outbox.post("k", None, "tea", person_id=9)
    assert await settled(db, "k") == ("sent", 2, 1, "")
    assert channel.messages == [(1009, "tea", nonce_of("k"))]


async def test_a_delivery_to_nobody_is_a_mistake(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="to a person"):
        await outbox.post("k", None, "tea")
