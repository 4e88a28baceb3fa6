"""What a service tells about itself, and the default that listens to nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeAlias

Labels: TypeAlias = dict[str, str]
"""What a number is about, such as ``{"model": "x"}``. A name always comes with the same labels."""

Reading: TypeAlias = Callable[[], Iterable[tuple[Labels, float]]]
"""Tells what a number is now, once per set of labels."""

Join: TypeAlias = Callable[[Iterable[float]], float]
"""Makes one number of those that several readings have for the same labels, as ``sum`` and ``max`` do."""


class Meter(Protocol):
    """Takes numbers. Names are lower case with ``_``, units last: ``llm_seconds``."""

    def count(self, name: str, labels: Labels, by: float = 1) -> None:
        """Add to a counter, which only grows."""
        ...

    def observe(self, name: str, labels: Labels, value: float) -> None:
        """Add a value to a histogram."""
        ...

    def watch(self, name: str, read: Reading, join: Join = sum) -> Callable[[], None]:
        """Have a number read whenever somebody looks: for what goes up and down by itself.

        Args:
            name: May be watched in several places, always with the same ``join``.
            read: Reads it.
            join: What several readings come to.

        Returns:
            Ends it.
        """
        ...


class Silent:
    """Takes numbers and keeps none."""

    def count(self, name: str, labels: Labels, by: float = 1) -> None:
        """Do nothing."""

    def observe(self, name: str, labels: Labels, value: float) -> None:
        """Do nothing."""

    def watch(self, name: str, read: Reading, join: Join = sum) -> Callable[[], None]:
        """Do nothing."""
        return lambda: None


SILENT: Meter = Silent()
"""The default everywhere."""


@contextmanager
def span(meter: Meter, name: str, labels: Labels) -> Iterator[None]:
    """Put the seconds that a block takes into a histogram, however it ends."""
    began = time.perf_counter()
    try:
        yield
    finally:
        meter.observe(name, labels, time.perf_counter() - began)
