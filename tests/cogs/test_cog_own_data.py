"""People get what is kept about them, and may have it erased."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from pathlib import Path

import pytest

from living_bot import OWNER, Living
from wompcore.text import parts_of


async def test_a_person_gets_a_file_that_only_they_see(living: Living) -> None:
    await living.guild.say("carol", "I like trains")
    await living.app.core.messages.flush()
    [answer] = await living.guild.slash("carol", "download_my_data")
    assert answer.ephemeral
    first, *rows, last = [json.loads(line) for line in answer.files[0].content.splitlines()]
    assert first["person_id"] == str(living.guild.member("carol").id)
    assert "I like trains" in [row["row"].get("text") for row in rows]
    assert last == {"rows": len(rows)}


async def test_a_second_file_on_one_day_is_refused(living: Living) -> None:
    await living.guild.slash("carol", "download_my_data")
    [answer] = await living.guild.slash("carol", "download_my_data")
    assert not answer.files
    assert "tomorrow" in answer.text


async def test_somebody_elses_data_is_the_owners_business_only(living: Living) -> None:
    await living.guild.say("carol", "I like trains")
    await living.app.core.messages.flush()
    carol = living.guild.member("carol")
    for command in ("download_my_data", "delete_my_data"):
        [answer] = await living.guild.slash("alice", command, person=carol)
        assert "own data only" in answer.text
    [answer] = await living.guild.slash(OWNER, "download_my_data", person=carol)
    assert b"I like trains" in answer.files[0].content


@pytest.mark.parametrize(("press", "said"), [("Erase it", "being erased"), ("Keep it", "Nothing was erased")])
async def test_erasure_is_confirmed_by_a_button(living: Living, press: str, said: str) -> None:
    await living.guild.say("carol", "I like trains")
    await living.app.core.messages.flush()
    member, channel = living.guild.member("carol"), living.guild._channels[living.guild.main_channel]
    await living.guild.slash("carol", "download_my_data")  # from here on Discord knows the commands
    asked = await member.slash(channel, "delete_my_data")
    question = [asked.response, *asked.followups][-1]
    await member.click(question, label=press)
    async with asyncio.timeout(10):
        while said not in living.guild._message(question.channel_id, question.id).content:  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.02)  # the answer comes after the work
    await living.guild.say("bob", "hello")
    carol = living.guild.member("carol").id
    query = "SELECT count(*) FROM messages WHERE author_id = %s AND text <> ''"
    left = await living.app.core.db.fetch_value(query, [carol])
    assert left == (0 if press == "Erase it" else 1)  # blanked at once; the rows go with the job
    assert living.app.core.consent.refuses(carol) == (press == "Erase it")


def test_a_large_export_comes_in_parts_that_are_whole_lines(tmp_path: Path) -> None:
    lines = [json.dumps({"n": n, "text": f"{n * 7919 % 1000003:x}" * 40}) + "\n" for n in range(40_000)]
    file = io.BytesIO("".join(lines).encode())
    size = file.getbuffer().nbytes
    parts = list(parts_of(file, "my-data.jsonl", limit=350_000))
    assert len(parts) > 2
    assert all(part.getbuffer().nbytes <= 350_000 for _, part in parts)
    assert [name for name, _ in parts] == [f"my-data-{n}.jsonl.gz" for n in range(1, len(parts) + 1)]
    unpacked = [gzip.decompress(part.getvalue()).decode() for _, part in parts]
    assert "".join(unpacked) == "".join(lines)
    assert all(text.endswith("\n") for text in unpacked)
    [(name, whole)] = parts_of(file, "my-data.jsonl", limit=size)
    assert (name, whole.getvalue()) == ("my-data.jsonl", file.getvalue())
