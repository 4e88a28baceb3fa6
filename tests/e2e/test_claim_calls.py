"""What the claim filter costs in ordinary chat, through the whole bot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wompbot_cogs.demo.replay import replay_log
from wompcore.claims import prefilter
from wompcore.claims.watcher import LONGER_THAN
from wompcore.config import DatabaseSettings

CHAT = Path(__file__).parents[3] / "shared" / "data" / "chat"
CALLS_PER_1000 = 12  # docs/performance.md, row 12


@pytest.mark.skipif(not CHAT.is_dir(), reason="the chat logs are not here")
@pytest.mark.parametrize("count", [1500, pytest.param(10_000, marks=pytest.mark.endurance)])
@pytest.mark.parametrize("log", ["rust", "ubuntu"])
async def test_replayed_chat_costs_the_calls_that_the_screen_promises(
    log: str, count: int, tmp_path: Path, database_settings: DatabaseSettings
) -> None:
    lines = (CHAT / f"{log}.jsonl").read_text(encoding="utf-8").splitlines()[:count]
    path = tmp_path / f"{log}.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    texts = [json.loads(line)["text"] for line in lines]
    fires = sum(prefilter(text).fires for text in texts if len(text) > LONGER_THAN)
    done = await replay_log(path, database=database_settings, on_bad_line=print)
    assert done.messages_in == len(lines)
    assert abs(done.prefilter_fires - fires) <= max(1, len(lines) // 1000)  # lines that speak to the bot
    assert 0 < done.claim_llm_calls <= done.prefilter_fires
    assert 1000 * done.claim_llm_calls / len(lines) <= CALLS_PER_1000
