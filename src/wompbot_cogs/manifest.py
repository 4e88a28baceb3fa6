"""A plugin's manifest: a static file, read and checked before any code of the plugin runs."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from wompbot_cogs.errors import ManifestInvalid, NotGranted
from wompcore.holders import Holder

API_LEVEL = 1
"""The level of the plugin interface this host speaks."""

FILE_NAME = "wompbot.toml"

Capability = Literal[
    "cache",
    "claims",
    "consent",
    "costs",
    "db",
    "guilds",
    "hot_takes",
    "hooks",
    "http",
    "jobs",
    "limits",
    "llm",
    "memory",
    "messages",
    "notify",
    "permissions",
    "plugins",
    "privacy",
    "quotes",
    "search",
]
"""What a plugin can be given; some only by the owner."""

OWNER_GRANTED: frozenset[str] = frozenset({"costs", "hooks", "plugins", "privacy"})
"""What only the owner gives."""

_MAX_BYTES = 64_000
_NAME = r"^[a-z_][a-z0-9_]{0,62}$"


def _flag_of(kind: Literal["Intents", "Permissions"], name: str) -> str:
    import discord  # a library that takes its time; most manifests name nothing of it

    if name not in getattr(discord, kind).VALID_FLAGS:
        raise ValueError(f"discord.{kind} knows no '{name}'")
    return name


def _specifier(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        raise ValueError(f"'{text}' is no range of versions; write it as '>=0.1,<2'") from error
    return text


Name = Annotated[str, Field(pattern=_NAME)]
Intent = Annotated[str, AfterValidator(lambda name: _flag_of("Intents", name))]
Permission = Annotated[str, AfterValidator(lambda name: _flag_of("Permissions", name))]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonalData(_Table):
    """One column of a plugin's own table that says whose a row is.

    Args:
        table: The table, in the plugin's schema.
        person: The column with the person's id.
        holds: What the rows say, in words a member understands.
        export: Columns a person's export includes; empty for every one.
        on_opt_out: What opting out does with the rows: ``keep`` them, or ``delete`` them.
        on_erase: What erasure does with the rows: ``delete`` them, or ``blank`` them.
        blank: Columns that are emptied; the person's id always is.
    """

    table: Name
    person: Name
    holds: str = Field(min_length=1, max_length=200)
    export: tuple[Name, ...] = ()
    on_opt_out: Literal["keep", "delete"] = "keep"
    on_erase: Literal["delete", "blank"] = "delete"
    blank: tuple[Name, ...] = ()


class Manifest(_Table):
    """What a plugin says of itself.

    Args:
        id: Its name: lower-case letters, digits and ``_``, as in its entry point.
        version: Its version.
        api: The interface level it was written for.
        summary: What it does, in one line.
        host: The versions of the host it runs on, such as ``>=0.1,<2``; empty for every one.
        needs: The capabilities it uses.
        intents: Gateway intents it cannot do without, named as in ``discord.Intents``.
        permissions: What it must be allowed in a server, named as in ``discord.Permissions``.
        message_content: Whether it reads what people write.
        settings: Its settings model, ``package.module:Model``; empty for none.
        personal_data: Where it keeps whose data.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    version: str = Field(min_length=1, max_length=40)
    api: int = Field(ge=1)
    summary: str = Field(max_length=200)
    host: Annotated[str, AfterValidator(_specifier)] = ""
    needs: frozenset[Capability] = frozenset()
    intents: frozenset[Intent] = frozenset()
    permissions: frozenset[Permission] = frozenset()
    message_content: bool = False
    settings: str = Field("", pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$")
    personal_data: tuple[PersonalData, ...] = Field((), max_length=100)

    @field_validator("personal_data")
    @classmethod
    def _each_once(cls, declared: tuple[PersonalData, ...]) -> tuple[PersonalData, ...]:
        places = Counter(f"{data.table}.{data.person}" for data in declared)
        if twice := [place for place, times in places.items() if times > 1]:
            raise ValueError(f"{twice[0]} is declared twice")
        return declared

    @property
    def schema_name(self) -> str:
        """The plugin's schema in the database, and its role."""
        return f"plugin_{self.id}"

    @cached_property
    def asks(self) -> frozenset[str]:
        """Everything the owner consents to, by the names that granting goes by."""
        return frozenset(
            {
                *self.needs,
                *(f"intent:{name}" for name in self.intents),
                *(f"permission:{name}" for name in self.permissions),
                *(["message_content"] if self.message_content else []),
            }
        )

    def require_content(self, what: str) -> None:
        """Refuse something that tells what people write to a plugin that did not ask for that.

        Args:
            what: What tells it.

        Raises:
            NotGranted: The manifest does not ask for message content.
        """
        if not self.message_content:
            hint = f"Set message_content = true in its {FILE_NAME}; the owner consents to that."
            raise NotGranted(self.id, f"{what} tells what people write", hint=hint)

    def holders(self) -> list[Holder]:
        """Return where it keeps personal data, as the catalogue knows it."""
        return [
            Holder(
                owner=self.id,
                table=f"{self.schema_name}.{data.table}",
                person_column=data.person,
                holds=data.holds,
                text_columns=data.blank,
                on_opt_out=data.on_opt_out,
                on_erase="delete" if data.on_erase == "delete" else "anonymise",
                export_columns=data.export,
            )
            for data in self.personal_data
        ]


def read_manifest(plugin: str, file: Path) -> Manifest:
    """Read the manifest of a plugin.

    Args:
        plugin: The id its entry point gives it.
        file: Where it is: ``wompbot.toml`` in a package, ``<module>.wompbot.toml`` beside a module.

    Raises:
        ManifestInvalid: It is missing, wrong, of another plugin, or of a newer interface.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ManifestInvalid(
            plugin,
            f"no {file.name} in its package" if file.name == FILE_NAME else f"no {file.name} beside it",
        ) from error
    if len(data) > _MAX_BYTES:
        raise ManifestInvalid(plugin, f"{FILE_NAME} is larger than {_MAX_BYTES} bytes")
    try:
        tables = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ManifestInvalid(plugin, f"{FILE_NAME}: {error}") from error
    manifest = _checked(plugin, tables)
    if manifest.id != plugin:
        raise ManifestInvalid(plugin, f"{FILE_NAME} is that of '{manifest.id}'")
    if manifest.api > API_LEVEL:
        raise ManifestInvalid(
            plugin,
            f"needs interface level {manifest.api}; this host has {API_LEVEL}",
            hint="Update the host.",
        )
    if manifest.personal_data and "db" not in manifest.needs:
        raise ManifestInvalid(
            plugin, f"{FILE_NAME}: personal_data without a database", hint="Add 'db' to `needs`."
        )
    return manifest


def _checked(plugin: str, tables: Mapping[str, Any]) -> Manifest:
    unknown = sorted(tables.keys() - {"plugin"})
    if unknown:
        hint = "Everything stands in [plugin] and [[plugin.personal_data]]."
        raise ManifestInvalid(plugin, f"{FILE_NAME}: unknown table '{unknown[0][:100]}'", hint=hint)
    try:
        return Manifest.model_validate(tables.get("plugin", {}))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(["plugin", *(str(part) for part in first["loc"])])[:200]
        what, hint = _remedy(first["type"], key, str(first["msg"]).removeprefix("Value error, "))
        raise ManifestInvalid(plugin, f"{FILE_NAME}: {key}: {what}", hint=hint) from error


def _remedy(kind: str, key: str, message: str) -> tuple[str, str]:
    """Return what is wrong with a key, and what to do."""
    if kind == "missing":
        return "missing", f"Add `{key.rpartition('.')[2]} = ...` to {FILE_NAME}."
    if kind == "extra_forbidden":
        return "unknown", f"Remove it, or correct its name; the plugin book lists every key of {FILE_NAME}."
    return message, f"Correct it in {FILE_NAME}; the plugin book lists every key."
