"""Plugins of every shape are found, and what they need is checked before any of their code runs."""

from __future__ import annotations

import pytest

from living_bot import Living
from plugin_site import GREETER, PluginSite
from wompbot_cogs.errors import PluginConflict

NEVER = "raise SystemExit('this must not run')"


def require(site: PluginSite, package: str, *lines: str) -> None:
    """Let a package's distribution require something."""
    with (site.folder / f"{package}-1.dist-info" / "METADATA").open("a") as metadata:
        metadata.writelines(f"Requires-Dist: {line}\n" for line in lines)


async def test_a_plugin_of_one_file_comes_changes_and_goes(living: Living, site: PluginSite) -> None:
    site.install("solo", entry="solo_file:plugin")
    site.packages.add("solo_file")
    one_file = GREETER.replace("from {package}.words import GREETING\n", "GREETING = 'one'\n").replace(
        "{id}", "solo"
    )
    (site.folder / "solo_file.py").write_text(one_file)
    site.manifest(site.folder, "solo")
    (site.folder / "wompbot.toml").rename(site.folder / "solo_file.wompbot.toml")
    await living.app.host.load("solo")
    assert await living.ask("alice", "!solo") == "one"
    (site.folder / "solo_file.py").write_text(one_file.replace("one", "two"))
    await living.app.host.swap("solo")
    assert await living.ask("alice", "!solo") == "two"
    await living.app.host.unload("solo")
    assert await living.ask("alice", "!solo") == ""


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
