"""Fixtures for pytest. Load them with ``pytest_plugins = ["wompcore.testing.pytest_plugin"]``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from wompcore.config import DatabaseSettings
from wompcore.db import Database
from wompcore.testing.database import ThrowawayServer, throwaway_server
from wompcore.testing.model import ScriptedModel, scripted_model


@pytest.fixture(scope="session")
def postgres() -> Iterator[ThrowawayServer]:
    """One PostgreSQL server per run, with every table in a template.

    The workers of a run that ``pytest-xdist`` splits share it.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")[:12]  # a socket's path must be short
    with throwaway_server(run or None) as server:
        yield server


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[ThrowawayServer]:
    """A server that a test may stop or break without harm to others."""
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


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    """A model behind HTTP on loopback that says what it is told to, and answers by itself otherwise."""
    async with scripted_model() as model:
        yield model
