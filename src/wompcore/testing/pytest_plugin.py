"""Fixtures for pytest. Load them with ``pytest_plugins = ["wompcore.testing.pytest_plugin"]``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from wompcore.config import DatabaseSettings
from wompcore.db import Database
from wompcore.testing.database import ThrowawayServer, throwaway_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[ThrowawayServer]:
    """One PostgreSQL server per run, with every table in a template."""
    with throwaway_server() as server:
        yield server


@pytest.fixture
def database_settings(postgres: ThrowawayServer) -> Iterator[DatabaseSettings]:
    """Settings of a fresh database that holds every table and no rows."""
    with postgres.database() as settings:
        yield settings


@pytest.fixture
async def db(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    """An open, fresh database that holds every table and no rows."""
    async with Database.open(database_settings) as db:
        yield db
