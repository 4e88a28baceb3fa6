"""Plugins of every shape are found, and what they need is checked before any of their code runs."""

from __future__ import annotations

import pytest

from living_bot import Living
from plugin_site import ONE_FILE, PluginSite
from wompbot_cogs.authoring.leaks import find_leaks, swap_often
from wompbot_cogs.errors import PluginBroken, PluginConflict

NEVER = "raise SystemExit('this must not run')"


def require(site: PluginSite, package: str, *lines: str) -> None:
    """Let a package's distribution require something."""
    with (site.folder / f"{package}-1.dist-info" / "METADATA").open("a") as metadata:
        metadata.writelines(f"Requires-Dist: {line}\n" for line in lines)


async def test_a_plugin_of_one_file_comes_changes_and_goes(living: Living, site: PluginSite) -> None:
    host = living.app.host
    site.install_file("solo")
    await host.load("solo")
    assert await living.ask("alice", "!solo") == "hello from solo"
    assert (await host.memory())["solo"] > 1000
    site.install_file("solo", ONE_FILE.replace("hello", "good morning"), version="2")
    assert (await host.swap("solo")).version == "2"
    assert await living.ask("alice", "!solo") == "good morning from solo"
    site.install_file("solo", "def broken(:\n")
    with pytest.raises(PluginBroken, match=r"solo_file\.py, line 1"):
        await host.swap("solo")
    assert await living.ask("alice", "!solo") == "good morning from solo"
    site.install_file("solo")
    assert await swap_often(living.app, "solo", 3) == []
    assert await find_leaks(living.app, "solo") == []
    site.uninstall("solo_file")
    await host.unload("solo")
    assert await living.ask("alice", "!solo") == ""
    assert "solo" not in {state.id for state in await host.look() if state.state != "draining"}


async def test_a_file_that_keeps_what_it_should_not_is_on_the_receipt(
    living: Living, site: PluginSite
) -> None:
    keeping = ONE_FILE.replace("class Greeter", "import keeping_file\n\nclass Greeter")
    keeping = keeping.replace(
        "context: Greeter()", "context: keeping_file.kept.append(Greeter()) or keeping_file.kept[-1]"
    )
    (site.folder / "keeping_file.py").write_text("kept = []\n")
    site.packages.add("keeping_file")
    site.install_file("solo", keeping)
    await living.app.host.load("solo")
    leaks = await swap_often(living.app, "solo", 3)
    assert any("cog solo" in leak and "keeping_file" in leak for leak in leaks)


async def test_a_plugin_in_a_namespace_package_is_loaded(living: Living, site: PluginSite) -> None:
    site.install("hello", package="many_plugins.hello")
    await living.app.host.load("hello")
    assert await living.ask("alice", "!hello") == "hello from hello"


async def test_a_host_of_another_version_is_named_before_any_code_runs(
    living: Living, site: PluginSite
) -> None:
    folder = site.install("future", NEVER)
    with (folder / "wompbot.toml").open("a") as manifest:
        manifest.write('\nhost = ">=99"')
    with pytest.raises(PluginConflict, match="needs host >=99; this is wompcore"):
        await living.app.host.load("future")


@pytest.mark.parametrize(
    ("required", "problem"),
    [
        ("aiohttp>=99", r"needs aiohttp>=99; 3\..* is installed"),
        ("no-such-distribution>1", "needs no-such-distribution>1, which is not installed"),
        ("a b c", "no requirement: 'a b c'"),
    ],
)
async def test_what_conflicts_is_named_before_any_code_runs(
    living: Living, site: PluginSite, required: str, problem: str
) -> None:
    site.install("picky", NEVER)
    require(site, "picky_plugin", required)
    with pytest.raises(PluginConflict, match=problem):
        await living.app.host.load("picky")


async def test_what_is_not_needed_here_is_no_conflict(living: Living, site: PluginSite) -> None:
    site.install("hello")
    require(site, "hello_plugin", "aiohttp>=3", "absent; extra == 'more'", "absent; python_version < '3'")
    assert (await living.app.host.load("hello")).state == "live"
