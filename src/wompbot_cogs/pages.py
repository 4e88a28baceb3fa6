"""Lists in pages. Their buttons carry the question, so they are answered after a restart as before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Protocol

import discord

from wompcore.ids import MAX_ID

Way = Literal["older", "newer"]

_MENTION: Final = re.compile(r"<@!?(\d{1,19})> ?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Turn:
    """A page that is asked for.

    Args:
        about: What the list is about, in its plugin's own words, at most 60 characters.
        way: To which side of ``start`` the page lies.
        start: The number of an entry, or of a place.
    """

    about: str = ""
    way: Way = "older"
    start: int = MAX_ID

    @property
    def before_id(self) -> int | None:
        """The entry that the page ends before; ``None`` for the first page and for newer ones."""
        return None if self.way == "newer" or self.start == MAX_ID else self.start

    @property
    def after_id(self) -> int | None:
        """The entry that the page lies on the newer side of, if it does."""
        return self.start if self.way == "newer" else None


class Pages(Protocol):
    """The cog that shows a list."""

    async def turn(self, interaction: discord.Interaction[Any], turn: Turn) -> None:
        """Show another page in the place of the one whose button was pressed."""
        ...


class PageButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"(?!)",  # no button is of this kind: each list has its own
):
    """Leads to the page before or after one.

    A list has a kind of its own, made by subclassing::

        class ReceiptButton(PageButton, template=PageButton.ids("receipts")):
            list_name, cog_name = "receipts", "Claims"

    Its plugin hands it to :meth:`Context.add_buttons`.

    Args:
        turn: What the page shows.
        disabled: There is no such page.

    Attributes:
        list_name: Tells the buttons of lists apart, in lower-case letters.
        cog_name: The cog that shows the list; its ``turn`` is awaited.
        labels: What the buttons say.
    """

    list_name: ClassVar[str] = ""
    cog_name: ClassVar[str] = ""
    labels: ClassVar[dict[Way, str]] = {"older": "Older", "newer": "Newer"}

    def __init__(self, turn: Turn, *, disabled: bool = False) -> None:
        custom_id = f"{self.list_name}:{turn.way}:{turn.start}:{turn.about}"
        label = self.labels[turn.way]
        super().__init__(discord.ui.Button(label=label, custom_id=custom_id, disabled=disabled))
        self.turn = turn

    @staticmethod
    def ids(list_name: str) -> str:
        """Return the template for the buttons of a list."""
        return rf"{list_name}:(?P<way>older|newer):(?P<start>\d{{1,19}}):(?P<about>.{{0,60}})"

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> PageButton:
        """Read the question from the button that was pressed."""
        way: Way = "older" if match["way"] == "older" else "newer"
        return cls(Turn(match["about"], way, min(int(match["start"]), MAX_ID)))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Show the page."""
        pages: Pages | None = interaction.client.get_cog(self.cog_name)
        if pages is not None:  # the cog may be on its way out
            await pages.turn(interaction, self.turn)


def whose_and_what(member: discord.Member | None, keyword: str) -> tuple[int, str]:
    """Return whose entries are asked for, 0 for everybody's, and the words that they must have.

    Args:
        member: The member who was named.
        keyword: What else was typed; may begin by mentioning somebody who left the server.
    """
    words = " ".join(keyword.split())
    if member is None and (gone := _MENTION.match(words)):
        return min(int(gone[1]), MAX_ID), words[gone.end() :]
    return member.id if member else 0, words


def page_buttons(kind: type[PageButton], newer: Turn | None, older: Turn | None) -> discord.ui.View | None:
    """Return the buttons below a page; ``None`` when everything is on it.

    Args:
        kind: The list's own kind of button.
        newer: The page before; ``None`` if there is none.
        older: The page after.
    """
    if newer is None and older is None:
        return None
    view = discord.ui.View(timeout=None)
    view.add_item(kind(newer or Turn(way="newer"), disabled=newer is None))
    view.add_item(kind(older or Turn(way="older"), disabled=older is None))
    return view
