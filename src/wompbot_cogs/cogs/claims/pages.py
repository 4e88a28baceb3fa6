"""Pages of receipts. Their buttons carry the question, so they are answered after a restart as before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import discord

from wompbot_cogs.cogs.claims import texts
from wompcore.ids import MAX_ID
from wompcore.repos.receipts import Receipts

WORDS_CHARS = 40
"""Characters of the words to look for at most: a button's id holds 100 in all."""

Way = Literal["older", "newer"]


@dataclass(frozen=True, slots=True)
class Question:
    """What receipts are asked for.

    Args:
        person_id: Whose; 0 for everybody's.
        words: What must be in them.
        way: Where to go from ``start``.
        start: The number of a claim; the page lies on this side of it.
    """

    person_id: int = 0
    words: str = ""
    way: Way = "older"
    start: int = MAX_ID


class Pages(Protocol):
    """Who shows a page."""

    async def turn(self, interaction: discord.Interaction[Any], question: Question) -> None:
        """Show another page in the place of the one whose button was pressed."""
        ...


class PageButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"receipts:(?P<way>older|newer):(?P<start>\d{1,19}):(?P<person>\d{1,19}):(?P<words>.{0,40})",
):
    """Leads to the page before or after one.

    Args:
        question: What the page shows.
        disabled: There is no such page.
    """

    def __init__(self, question: Question, *, disabled: bool = False) -> None:
        custom_id = f"receipts:{question.way}:{question.start}:{question.person_id}:{question.words}"
        label = texts.OLDER if question.way == "older" else texts.NEWER
        super().__init__(discord.ui.Button(label=label, custom_id=custom_id, disabled=disabled))
        self.question = question

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> PageButton:
        """Read the question from the button that was pressed."""
        way: Way = "older" if match["way"] == "older" else "newer"
        start, person_id = (min(int(match[name]), MAX_ID) for name in ("start", "person"))
        return cls(Question(person_id, match["words"], way, start))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Show the page."""
        pages: Pages | None = interaction.client.get_cog("Claims")
        if pages is not None:  # the cog may be on its way out
            await pages.turn(interaction, self.question)


def buttons(question: Question, found: Receipts) -> discord.ui.View | None:
    """Return the buttons below a page; ``None`` when everything is on it."""
    if not found.claims or not (found.older or found.newer):
        return None
    view = discord.ui.View(timeout=None)
    person_id, words = question.person_id, question.words
    newer = Question(person_id, words, "newer", found.claims[0].id)
    older = Question(person_id, words, "older", found.claims[-1].id)
    view.add_item(PageButton(newer, disabled=not found.newer))
    view.add_item(PageButton(older, disabled=not found.older))
    return view
