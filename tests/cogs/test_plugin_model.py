"""A plugin asks models through the one client, in its own name and, if it likes, through its own provider."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from llm_client import FOR, OpenClient, asking, ledger, open_client
from wompbot_cogs.capabilities import PluginModel
from wompcore.db import Database
from wompcore.llm import Audio, ChatRequest, Choice, Delta, OpenAiStyle, ProviderAnswer, Route
from wompcore.llm.offline import offline_server
from wompcore.usage import Usage

__all__ = ["ledger", "open_client"]

USED = Usage(input=3, output=2)


class Parrot:
    """A provider as a plugin writes one: it reaches nobody and repeats what it is told."""

    name = "parrot"
    address = "parrot:"

    def encode(self, request: ChatRequest, model: str, *, stream: bool = False) -> bytes:
        return request.messages[-1].text.encode()

    async def complete(self, body: bytes) -> ProviderAnswer:
        return ProviderAnswer(body.decode(), (), "stop", USED, "", "")

    async def stream(
        self, body: bytes, *, first_token_s: float, idle_s: float
    ) -> AsyncGenerator[Delta, None]:
        for letter in body.decode():
            yield Delta(text=letter)
        yield Delta(finish_reason="stop", usage=USED)

    async def probe(self, model: str) -> str:
        return "squawk"


async def test_whatever_a_plugin_asks_for_is_booked_to_it(open_client: OpenClient, db: Database) -> None:
    async with offline_server() as server, open_client(server.base_url) as client:
        media = OpenAiStyle(client.http.trusted, client.settings)
        async with open_client(server.base_url, parts={"media": media}) as other:
            model = PluginModel(other.chat, "mine")
            somebody = replace(FOR, plugin="theirs")
            await model.complete(replace(asking(), attribution=somebody))
            async with model.stream(replace(asking(), attribution=somebody)) as stream:
                assert "".join([delta.text async for delta in stream])
            assert await model.ask(asking("3 of them"), int) == 3
            await model.embed(["a cat"], somebody, model="e-1")
            await model.transcribe(Audio(b"OggS"), somebody, model="t-1")
    entries = await db.fetch_all("SELECT model, plugin FROM cost_entries ORDER BY id")
    assert entries == [(name, "mine") for name in (*["offline-1"] * 3, "e-1", "t-1")]


async def test_a_plugin_brings_a_provider_of_its_own(open_client: OpenClient, db: Database) -> None:
    route = Route((Choice("grey", Parrot()),))
    async with offline_server() as server, open_client(server.base_url) as client:
        model = PluginModel(client.chat, "mine")
        reply = await model.complete(asking("hello"), route)
        async with model.stream(asking("hello"), route) as stream:
            assert [delta.text async for delta in stream] == [*"hello", ""]
        assert server.requests == 0
        assert client.chat.breakers() == {("parrot:", "grey"): "closed"}
    assert (reply.text, reply.provider, reply.model, reply.usage) == ("hello", "parrot", "grey", USED)
    entries = await db.fetch_all("SELECT provider, model, input_tokens, outcome FROM cost_entries")
    assert entries == [("parrot", "grey", 3, "ok")] * 2
