"""An export as files that Discord takes."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from typing import IO

PART_BYTES = 8_000_000
"""What Discord takes as one file from anybody."""

_UNPACKED_BYTES = 300_000  # what the packer may still hold back, and a line


def parts_of(file: IO[bytes], size: int, limit: int = PART_BYTES) -> Iterator[tuple[str, io.BytesIO]]:
    """Give a file in parts that are small enough, each with its name.

    One that fits stays as it is. Otherwise each part is whole lines, compressed, readable on its own.

    Args:
        file: Lines of JSON.
        size: Its size in bytes.
        limit: Bytes of a part at most.
    """
    file.seek(0)
    if size <= limit:
        yield "my-data.jsonl", io.BytesIO(file.read())
        return
    lines = iter(file)
    for number, first in enumerate(lines, start=1):
        part = io.BytesIO()
        with gzip.GzipFile(fileobj=part, mode="wb") as packed:
            packed.write(first)
            for line in lines:
                packed.write(line)
                if part.tell() + _UNPACKED_BYTES > limit:
                    break
        part.seek(0)
        yield f"my-data-{number}.jsonl.gz", part
