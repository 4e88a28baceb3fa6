"""Durable jobs and the delivery outbox, on PostgreSQL."""

from __future__ import annotations

from wompcore.jobs.jobs import JobFunction, Jobs
from wompcore.jobs.outbox import Outbox, Sender, Untold, nonce_of
from wompcore.jobs.schema import forget_jobs, jobs_migrations

__all__ = ["JobFunction", "Jobs", "Outbox", "Sender", "Untold", "forget_jobs", "jobs_migrations", "nonce_of"]
