"""What a migration may do while the version before it still serves.

Told by what is allowed, not by what is forbidden: a statement that is not known to leave the version
before it working belongs into a contract migration.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp

_CREATES = frozenset({"TABLE", "INDEX", "VIEW", "SEQUENCE", "TYPE", "FUNCTION"})


def problems_of_expand(sql: str) -> list[str]:
    """Return what an expand migration may not do, each in one line; empty when nothing.

    Allowed are new tables, indexes that are not unique, views, sequences, types and functions, new
    columns that are nullable or have a default, and writing rows. Everything else, such as dropping,
    renaming, NOT NULL without a default or another type, could break the version that still serves.

    Args:
        sql: The migration's statements.
    """
    import sqlglot  # large, and needed only where migrations are looked at
    from sqlglot.errors import ParseError, SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of statements it does not know
    try:
        statements = [statement for statement in sqlglot.parse(sql, dialect="postgres") if statement]
    except ParseError as error:
        place = error.errors[0] if error.errors else {}
        return [f"cannot be read at line {place.get('line')}, column {place.get('col')}"]
    except SqlglotError:
        return ["cannot be read"]
    made: set[str] = set()
    problems: list[str] = []
    for statement in statements:
        problems.extend(f"{_start(statement)}: {problem}" for problem in _problems(statement, made))
    return problems


def _problems(statement: exp.Expr, made: set[str]) -> Iterator[str]:
    from sqlglot import exp

    if isinstance(statement, exp.Insert | exp.Update | exp.Comment):
        if any(isinstance(node, exp.Delete | exp.Drop) for node in statement.walk()):
            yield "removes rows"
    elif isinstance(statement, exp.Create):
        yield from _problems_of_create(statement, made)
    elif isinstance(statement, exp.Alter) and statement.args.get("kind") == "TABLE":
        if statement.this.name not in made:  # nobody uses a table that was made in the same migration
            for action in statement.args.get("actions") or [None]:
                yield from _problems_of_action(action)
    else:
        yield "is not one of the statements that an expand migration may hold"


def _problems_of_create(statement: Any, made: set[str]) -> Iterator[str]:
    from sqlglot import exp

    kind = str(statement.args.get("kind")).upper()
    if kind not in _CREATES:
        yield f"makes a {kind.lower()}"
    elif statement.args.get("replace"):
        yield "replaces what the version before it may use; give it a new name"
    elif kind == "TABLE" and not statement.args.get("exists"):  # IF NOT EXISTS may have made none
        target = statement.this
        made.add((target.this if isinstance(target, exp.Schema) else target).name)
    elif kind == "INDEX":
        table = statement.this.args.get("table")
        if statement.args.get("unique") and (table is None or table.name not in made):
            yield "a unique index refuses rows that the version before it may write"


def _problems_of_action(action: Any) -> Iterator[str]:
    from sqlglot import exp

    if isinstance(action, exp.ColumnDef):
        yield from _problems_of_column(action)
    elif isinstance(action, exp.AlterColumn) and (
        action.args.get("default") or action.args.get("allow_null")
    ):
        return  # another default, or none that is required any more
    elif isinstance(action, exp.Drop):
        yield "drops something"
    elif isinstance(action, exp.AlterRename | exp.RenameColumn):
        yield "renames something"
    elif isinstance(action, exp.AlterColumn) and action.args.get("dtype"):
        yield f"changes the type of {action.name or 'a column'}"
    else:
        yield "changes a table in a way that could break the version before it"


def _problems_of_column(column: exp.ColumnDef) -> Iterator[str]:
    from sqlglot import exp

    constraints = [constraint.kind for constraint in column.constraints]
    filled = "SERIAL" in str(column.args.get("kind")) or any(map(_fills, constraints))
    for constraint in constraints:
        if isinstance(constraint, exp.NotNullColumnConstraint):
            if not constraint.args.get("allow_null") and not filled:
                yield f"{column.name} is NOT NULL without a default"
        elif isinstance(constraint, exp.PrimaryKeyColumnConstraint | exp.UniqueColumnConstraint):
            yield f"{column.name} must be unique, which refuses rows of the version before it"


def _fills(constraint: object) -> bool:
    """Return whether a column has a value in rows that do not name it."""
    from sqlglot import exp

    if isinstance(constraint, exp.DefaultColumnConstraint):
        return not isinstance(constraint.this, exp.Null)
    return isinstance(constraint, exp.GeneratedAsIdentityColumnConstraint | exp.ComputedColumnConstraint)


def _start(statement: exp.Expr) -> str:
    text = " ".join(statement.sql(dialect="postgres", comments=False).split())
    return text if len(text) <= 60 else text[:57] + "..."
