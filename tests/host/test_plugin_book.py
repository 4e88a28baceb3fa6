"""The examples of the plugin book are plugins that load and work."""

from __future__ import annotations

import re
from pathlib import Path

from living_bot import OWNER, Living
from plugin_site import PluginSite
from wompbot_cogs.hooks import HookSpecs
from wompbot_cogs.hooks.marks import rules_of
from wompbot_cogs.testing import ScriptedModel

PAGE = (Path(__file__).parents[2] / "docs/plugins/hooks.md").read_text(encoding="utf-8")
RULES = rules_of(HookSpecs)


def example(hook: str) -> str:
    section = PAGE.split(f"\n## `{hook}`\n")[1].split("\n## ")[0]
    [code] = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    return str(code)


async def test_the_examples_of_all_hooks_run_side_by_side(
    living: Living, site: PluginSite, model: ScriptedModel
) -> None:
    for hook, rules in RULES.items():
        site.install(f"book_{hook}", example(hook), needs=[rules.needs] if rules.needs else [])
        await living.ask(OWNER, f"!plugins grant book_{hook} costs") if rules.needs == "costs" else None
        await living.load(f"book_{hook}")
    hooks = living.app.hooks
    assert all(f"book_{hook}" in hooks.implementers(hook) for hook in RULES)
    model.calls("club_rules")
    assert "be kind" in await living.ask("alice", "wompbot, how shall I behave?")
    shown = " ".join(message["content"] or "" for message in model.asked[-1]["messages"])
    for said in ("every Friday at eight", "3 guests right now", "alice is a guest of the club"):
        assert said in shown
    await living.guild.say("alice", "I guarantee that this laptop will never crash before 2031.")
    await living.app.core.claims.settled()
    [export] = await hooks.ask("export_person", person_id=1)
    assert export.value == {"pages": []}
    assert [each.failed for each in await hooks.outcomes("erase_person", person_id=1)] == [False]
    [health] = await hooks.ask("health")
    assert (health.value.well, health.value.text) == (False, "no key is set")
    for hook in RULES:
        await living.app.host.unload(f"book_{hook}")
    assert living.app.host.errors == 0
