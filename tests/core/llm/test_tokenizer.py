"""Tokens are counted exactly only where that needs no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from wompcore.llm.estimate import expected_text
from wompcore.llm.tokenizer import load_counter


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_without_a_whole_table_the_rule_of_thumb_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    table = tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790"
    if content is not None:
        table.write_bytes(content)
    assert load_counter() is expected_text
    assert [file.name for file in tmp_path.iterdir()] == ([table.name] if content else [])
