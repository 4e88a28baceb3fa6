"""A recording's length is what its header says, or unknown."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogg import page, voice_message
from wompcore.llm.recording import length_s

VORBIS = page(0, b"\x01vorbis" + struct.pack("<IBIIII", 0, 2, 44_100, 0, 0, 0))


@pytest.mark.parametrize("seconds", [0.02, 5.0, 3600.0])
def test_a_voice_message_tells_its_length(seconds: float) -> None:
    assert length_s(voice_message(seconds)) == pytest.approx(seconds)
    assert length_s(VORBIS + page(round(seconds * 44_100), b"x")) == pytest.approx(seconds, rel=1e-3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OggS",
        b"RIFF" + bytes(100),
        voice_message(5)[:-100],  # cut before its last page
        voice_message(5) + page(960, b"x", serial=8),  # a second stream follows
        voice_message(90_000),
        voice_message(-1),
        VORBIS.replace(struct.pack("<I", 44_100), bytes(4)) + page(9, b"x"),
        page(0, b"OpusHead"),
        page(5, b"FLAC"),
    ],
)
def test_what_cannot_be_told_is_unknown(data: bytes) -> None:
    assert length_s(data) is None


@given(st.binary(max_size=300), st.integers(0, 200), st.binary(max_size=20))
def test_no_file_ends_in_anything_but_seconds_or_nothing(data: bytes, at: int, other: bytes) -> None:
    whole = voice_message(5)
    for found in map(length_s, (data, b"OggS" + data, whole[:at] + other + whole[at:], whole[:at] + other)):
        assert found is None or 0 < found <= 86_400
