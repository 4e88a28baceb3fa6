"""Who keeps personal data where: the declarations behind export and erasure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OptOutAction = Literal["keep", "delete", "blank", "hide"]
EraseAction = Literal["keep", "delete", "anonymise"]


@dataclass(frozen=True, slots=True)
class Holder:
    """One table that keeps personal data.

    Args:
        owner: Who declares it: ``core`` or a plugin's id.
        table: Qualified name, ``schema.table``.
        person_column: The column with the person's id.
        holds: What it keeps, in words a member understands.
        text_columns: Columns blanked or anonymised when the action says so.
        export: Whether a person's export includes the rows.
        on_opt_out: What withdrawal does to the rows.
        on_erase: What erasure does to the rows.
        export_columns: The columns an export includes; empty for every one.
    """

    owner: str
    table: str
    person_column: str
    holds: str
    text_columns: tuple[str, ...] = ()
    export: bool = True
    on_opt_out: OptOutAction = "keep"
    on_erase: EraseAction = "delete"
    export_columns: tuple[str, ...] = ()
