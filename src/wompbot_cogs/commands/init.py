"""``wompbot init``: a few questions, then a settings file that was tried out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from wompbot_cogs.commands.doctor import show
from wompbot_cogs.commands.options import DEFAULT_FILE, Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import FAILED, reporting
from wompbot_cogs.errors import PORTAL
from wompbot_cogs.settings import BotSettings
from wompcore.config import load_settings
from wompcore.errors import ConfigInvalid

Answer = Annotated[str | None, typer.Option(help="Asked for when left out.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing: what is left out keeps its default.")]


@dataclass(frozen=True, slots=True)
class Question:
    """One setting that has no good default.

    Args:
        section: The section it is in.
        key: Its key there.
        text: What is asked.
        secret: The answer is not shown.
    """

    section: str
    key: str
    text: str
    secret: bool = False

    @property
    def default(self) -> str:
        """The answer when there is none."""
        value = getattr(getattr(BotSettings(), self.section), self.key)
        return value if isinstance(value, str) else ""


QUESTIONS = (
    Question("discord", "token", f"Bot token, from {PORTAL}, page 'Bot' (not shown)", secret=True),
    Question("discord", "owner_ids", "Your Discord user id (right-click your name, 'Copy User ID')"),
    Question("llm", "base_url", "Model endpoint: OpenRouter or any OpenAI-compatible one"),
    Question("llm", "api_key", "Key of the endpoint, empty for a local one (not shown)", secret=True),
    Question("llm", "model", "Model"),
    Question("database", "url", "PostgreSQL URL, empty for the embedded server"),
)


def init(
    token: Answer = None,
    owner: Answer = None,
    base_url: Answer = None,
    api_key: Answer = None,
    model: Answer = None,
    database_url: Answer = None,
    yes: Yes = False,
    force: Force = False,
    config: Config = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write wompbot.toml and try the token, the model endpoint and the database, if one is named."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        file = config or DEFAULT_FILE
        if file.exists() and not force:
            raise ConfigInvalid(str(file), "exists already", hint="--force replaces it.")
        if not file.parent.is_dir():
            raise ConfigInvalid(str(file), "no such folder")
        given = (token, owner, base_url, api_key, model, database_url)
        answers = {
            question: answer if answer is not None else (question.default if yes else _ask(question))
            for question, answer in zip(QUESTIONS, given, strict=True)
        }
        write(file, toml_of(answers))
        terminal.say(f"Wrote {file}.")

        from wompbot_cogs.doctor import examine

        settings = settings_of(file)
        subjects = ("database", "model", "token") if settings.database.url else ("model", "token")
        findings = asyncio.run(examine(settings, only=subjects))
        for finding in findings:
            show(finding, terminal)
        terminal.result({"file": str(file), "checks": [asdict(finding) for finding in findings]})
        if not all(finding.good for finding in findings):
            raise typer.Exit(FAILED)
        terminal.say("`wompbot run` starts the bot.")


def _ask(question: Question) -> str:
    answer: str = typer.prompt(
        question.text,
        default=question.default,
        hide_input=question.secret,
        show_default=bool(question.default),
        err=True,
    )
    return answer.strip()


def toml_of(answers: Mapping[Question, str]) -> str:
    """Return answers as the text of a settings file, each with its meaning above it."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment("Settings of WompBot; docs/reference/settings lists every one."))
    for question, answer in answers.items():
        if question.section not in document:
            document.add(question.section, tomlkit.table())
        section: Any = document[question.section]
        fields = type(getattr(BotSettings(), question.section)).model_fields
        section.add(tomlkit.comment(fields[question.key].description or ""))
        section.add(question.key, _ids(answer) if question.key == "owner_ids" else answer)
    return tomlkit.dumps(document)


def _ids(answer: str) -> list[int] | str:
    """Return ids as numbers; what holds none is left for the settings to refuse."""
    parts = [part.strip() for part in answer.split(",") if part.strip()]
    return [int(part) for part in parts] if all(part.isdecimal() for part in parts) else answer


def write(file: Path, text: str) -> None:
    """Write a settings file that only its owner may read, once its settings proved valid.

    Raises:
        ConfigInvalid: A value cannot be used; nothing was written.
    """
    from wompcore.db import host_of

    draft = file.with_name(f"{file.name}.new")
    try:
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigInvalid(str(file), (error.strerror or str(error)).lower()) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        settings = load_settings(BotSettings, file=draft, environ={})
        host_of(settings.database.url)  # refuses what is no URL
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
