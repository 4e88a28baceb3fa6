"""A file as parts that Discord takes."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from typing import IO

PART_BYTES = 8_000_000
"""What Discord takes as one file from anybody."""

_UNPACKED_BYTES = 300_000  # what the packer may still hold back, and a line


def parts_of(
    file: IO[bytes], name: str, *, limit: int = PART_BYTES, header: bool = False
) -> Iterator[tuple[str, io.BytesIO]]:
    """Give a file in parts that are small enough, each with its name.

    One that fits stays as it is. Otherwise each part is whole lines, compressed, readable on its own.

    Args:
        file: Lines of text.
        name: Its name; parts are numbered before the ending.
        limit: Bytes of a part at most.
        header: Begin each part with the file's first line.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size <= limit:
        yield name, io.BytesIO(file.read())
        return
    stem, dot, ending = name.rpartition(".")
    lines = iter(file)
    head = next(lines, b"") if header else b""
    for number, first in enumerate(lines, start=1):
        part = io.BytesIO()
        with gzip.GzipFile(fileobj=part, mode="wb") as packed:
            packed.write(head + first)
            for line in lines:
                packed.write(line)
                if part.tell() + _UNPACKED_BYTES > limit:
                    break
        part.seek(0)
        yield f"{stem}-{number}{dot}{ending}.gz", part
