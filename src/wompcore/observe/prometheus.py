"""The meter for Prometheus; needs the extra ``metrics``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from wompcore.errors import ExtraMissing
from wompcore.observe.meter import Join, Labels, Reading

try:
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.registry import Collector
except ImportError as error:
    raise ExtraMissing("metrics", "the Prometheus adapter") from error

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_BUCKETS_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0)


class PrometheusMeter:
    """A :class:`wompcore.observe.Meter` whose numbers Prometheus reads.

    Args:
        registry: Where the numbers are kept; one of its own when left out, so two meters never clash.
        prefix: Begins every name.
    """

    content_type = CONTENT_TYPE_LATEST
    """What :meth:`page` is, for HTTP."""

    def __init__(self, registry: CollectorRegistry | None = None, prefix: str = "womp_") -> None:
        self.registry = registry or CollectorRegistry()
        self._prefix = prefix
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._watched: dict[str, _Watched] = {}

    def count(self, name: str, labels: Labels, by: float = 1) -> None:
        """Add to a counter; Prometheus shows it with ``_total`` at the end."""
        counter = self._counters.get(name)
        if counter is None:
            counter = Counter(self._prefix + name, _words(name), [*labels], registry=self.registry)
            self._counters[name] = counter
        (counter.labels(**labels) if labels else counter).inc(by)

    def observe(self, name: str, labels: Labels, value: float) -> None:
        """Add a value to a histogram; its buckets are made for seconds."""
        histogram = self._histograms.get(name)
        if histogram is None:
            histogram = Histogram(
                self._prefix + name, _words(name), [*labels], registry=self.registry, buckets=_BUCKETS_S
            )
            self._histograms[name] = histogram
        (histogram.labels(**labels) if labels else histogram).observe(value)

    def watch(self, name: str, read: Reading, join: Join = sum) -> Callable[[], None]:
        """Have a gauge read at each scrape until the returned function is called."""
        watched = self._watched.get(name)
        if watched is None:
            watched = self._watched[name] = _Watched(self._prefix + name, _words(name), join)
            self.registry.register(watched)
        watched.readings.append(read)
        return partial(watched.readings.remove, read)

    def page(self) -> bytes:
        """Return every number in Prometheus's text format."""
        return generate_latest(self.registry)


class _Watched(Collector):
    def __init__(self, name: str, meaning: str, join: Join) -> None:
        self.readings: list[Reading] = []
        self._name = name
        self._meaning = meaning
        self._join = join

    def collect(self) -> Iterator[Metric]:
        found: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
        names: list[str] = []
        for read in self.readings:
            for labels, value in read():
                names = names or [*labels]
                found[tuple(labels[name] for name in names)].append(value)
        family = GaugeMetricFamily(self._name, self._meaning, labels=names)
        for which, values in found.items():
            family.add_metric(which, self._join(values))
        yield family


def _words(name: str) -> str:
    return name.replace("_", " ")
