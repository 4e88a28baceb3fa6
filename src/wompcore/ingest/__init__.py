"""The message store: what is said, written once, in batches."""

from wompcore.ingest.store import MessageStore, StoreCounts

__all__ = ["MessageStore", "StoreCounts"]
