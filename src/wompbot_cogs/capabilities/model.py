"""The model, as a plugin reaches it."""

from __future__ import annotations

from dataclasses import replace

from wompcore.llm import ChatClient, ChatRequest, Reply


class PluginModel:
    """The model, with every call attributed to the plugin.

    Args:
        client: The one client.
        plugin: The plugin's id.
    """

    def __init__(self, client: ChatClient, plugin: str) -> None:
        self._client = client
        self._plugin = plugin

    async def complete(self, request: ChatRequest) -> Reply:
        """Send a request; see :meth:`wompcore.llm.ChatClient.complete`."""
        attribution = replace(request.attribution, plugin=self._plugin)
        return await self._client.complete(replace(request, attribution=attribution))
