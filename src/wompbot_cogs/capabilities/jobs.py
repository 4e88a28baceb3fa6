"""Durable jobs, as a plugin reaches them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from wompbot_cogs.running import without_exit
from wompbot_cogs.scope import Scope
from wompcore.jobs import JobFunction, Jobs


class PluginJobs:
    """Work that survives the process that asked for it.

    A job's name is the plugin's own. A job that is due while the plugin is not loaded waits until it is.

    Args:
        jobs: Puts jobs into the database.
        plugin: The plugin's id.
        scope: Owns what the plugin starts.
    """

    def __init__(self, jobs: Jobs, plugin: str, scope: Scope) -> None:
        self._jobs = jobs
        self._plugin = plugin
        self._scope = scope

    def register(self, name: str, function: JobFunction, *, retry: int = 3, cron: str | None = None) -> None:
        """Say what a job does, from the moment the plugin goes live.

        Args:
            name: The job's name.
            function: Called with the job's arguments. It may be called again for the same job.
            retry: How often it is tried again after an error, waiting 4, 16, 64 ... seconds.
            cron: Run it at these times as well (cron's five fields, UTC), without arguments.
        """

        async def run(**arguments: Any) -> None:
            await self._in_scope(function, arguments)

        full = self._name(name)

        def begin() -> Callable[[], None]:
            self._jobs.register(full, run, queue=full, retry=retry, cron=cron)
            return lambda: self._jobs.unregister(full)

        self._scope.on_live(begin)

    async def defer(
        self, name: str, key: str | None = None, *, wait_s: float = 0.0, **arguments: Any
    ) -> bool:
        """Add a job.

        Args:
            name: What to do.
            key: Of jobs with this name and key one waits and one runs at most.
            wait_s: Seconds until it may run.
            arguments: JSON values for the function.

        Returns:
            Whether it was added; false when one with its key waits already.

        Raises:
            DatabaseError: The database is away; nothing was added.
        """
        full = self._name(name)
        return await self._jobs.defer(full, key, queue=full, wait_s=wait_s, **arguments)

    def _name(self, name: str) -> str:
        # A queue for each: a job that this version no longer does waits like those of an unloaded plugin.
        return f"plugin.{self._plugin}.{name}"

    async def _in_scope(self, function: JobFunction, arguments: dict[str, Any]) -> None:
        """Run a job as work of the plugin: it gets time to finish, and one cut off runs again."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            try:
                await without_exit(function(**arguments))
            except Exception as error:
                done.set_exception(error)
            else:
                done.set_result(None)
            finally:
                done.cancel()

        self._scope.start(work())
        await done
