"""Counters, histograms and spans. Nothing is kept unless an adapter is handed in."""

from __future__ import annotations

from wompcore.observe.meter import SILENT, Join, Labels, Meter, Silent, span

__all__ = ["SILENT", "Join", "Labels", "Meter", "Silent", "span"]
