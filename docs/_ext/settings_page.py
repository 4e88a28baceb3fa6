"""Writes the tables of settings from the settings models themselves, while the page is read.

A line ``<!-- settings: package.module:Model -->`` in a page becomes a table of the model's settings.
``<!-- settings: a:Model except b:Base -->`` leaves out the sections that ``Base`` has too.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from wompcore.config import ENV_PREFIX

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from sphinx.application import Sphinx

_MARKER = re.compile(r"<!-- settings: (?P<model>[\w.:]+)(?: except (?P<base>[\w.:]+))? -->")


class Setting(NamedTuple):
    """One row of the table, as Markdown."""

    key: str
    variable: str
    default: str
    meaning: str


def settings_of(model: type[BaseModel], *, above: Sequence[str] = (), about: str = "") -> Iterator[Setting]:
    """Yield every setting of a model, those of its sections included."""
    for name, field in model.model_fields.items():
        key = [*above, name]
        meaning = f"{about} {field.description or ''}".strip()
        if field.annotation == dict[str, dict[str, Any]]:  # each name has a model of its own
            key += ["<name>", "<key>"]
        section, is_table = _section_in(field.annotation)
        if section is None:
            yield Setting(".".join(key), _variable(key), _default(field), meaning)
        else:
            yield from settings_of(section, above=[*key, "<name>"] if is_table else key, about=meaning)


def _section_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the section a field holds, if any, and whether it holds one per name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    is_table = get_origin(annotation) is dict
    if is_table or get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            section, _ = _section_in(part)
            if section is not None:
                return section, is_table
    return None, False


def _variable(key: Sequence[str]) -> str:
    return "file only" if "<name>" in key else f"`{ENV_PREFIX}{'__'.join(key).upper()}`"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or value == "" or value == () or value == frozenset():
        return "empty"
    return str(value)


def table(model: type[BaseModel], base: type[BaseModel] | None = None) -> str:
    """Return a model's settings as a Markdown table, without the sections of ``base``."""
    inherited = set(base.model_fields) if base else set()
    rows = (
        f"| `{row.key}` | {row.variable} | {row.default} | {row.meaning} |"
        for row in settings_of(model)
        if row.key.split(".")[0] not in inherited
    )
    return "\n".join(["| key | environment variable | default | meaning |", "|---|---|---|---|", *rows])


def with_tables(text: str) -> str:
    """Return a page with every marker replaced by its table."""
    return _MARKER.sub(lambda match: table(_named(match["model"]), _named(match["base"])), text)


def _named(path: str | None) -> Any:
    if path is None:
        return None
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _fill_in(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = with_tables(source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", _fill_in)
    return {"parallel_read_safe": True}
