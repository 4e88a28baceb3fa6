"""A typed async function as a tool: its signature is the schema, its docstring the description."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, make_dataclass
from typing import Any, Literal, TypeAlias, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from wompcore.errors import ToolArgumentsInvalid, ToolInvalid
from wompcore.llm.request import ToolSpec
from wompcore.money import ZERO, Usd
from wompcore.usage import Attribution

Effect: TypeAlias = Literal["read", "act"]
"""``read`` only looks; ``act`` changes something in the asker's name."""

ToolFunction: TypeAlias = Callable[..., Awaitable[Any]]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ARGS = re.compile(r"\n\s*(?:Args|Returns|Raises|Yields):\s*\n")
_ARGUMENT = re.compile(r"^ *(\w+)(?: \([^)]*\))?: (.+(?:\n {8,}.+)*)", re.MULTILINE)
_MOST_PROBLEMS = 5


@dataclass(slots=True)
class ToolContext:
    """What a conversation's tools need to know. A tool gets it when its first parameter is one.

    Args:
        attribution: Who asked, where; act tools act for that person, in that guild, and nowhere else.
        outside_text: Whether the model has read what somebody else than the asker wrote. Results of
            tools are such text, so it becomes true with the first one.
        spent: What the tools cost so far.
    """

    attribution: Attribution
    outside_text: bool = True
    spent: Usd = ZERO

    def charge(self, cost: Usd) -> None:
        """Add what a tool cost, so that the conversation's limit counts it."""
        self.spent += cost


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that a model may call. Made by :func:`tool`.

    Args:
        spec: What the model is told.
        effect: Whether it changes something.
        right: The right the asker needs for it.
        timeout_s: Seconds it may take.
        max_chars: Characters of its output that the model gets.
        function: The function.
        takes_context: Whether the function wants the context first.
        arguments: Validates what the model wrote.
    """

    spec: ToolSpec
    effect: Effect
    right: str
    timeout_s: float
    max_chars: int
    function: ToolFunction
    takes_context: bool
    arguments: TypeAdapter[Any]

    def read(self, arguments: str) -> dict[str, Any]:
        """Validate arguments as the model wrote them.

        Args:
            arguments: JSON text; empty for none.

        Raises:
            ToolArgumentsInvalid: They do not fit; the message is for the model.
        """
        try:
            return dict(vars(self.arguments.validate_json(arguments.strip() or "{}")))
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, found['loc'])) or 'arguments'}: {found['msg']}"
                for found in error.errors(include_url=False, include_context=False, include_input=False)
            ]
            raise ToolArgumentsInvalid("; ".join(problems[:_MOST_PROBLEMS])) from error

    async def call(self, context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        """Run the function, without any limit."""
        return await self.function(*[context] * self.takes_context, **arguments)


def tool(
    *,
    effect: Effect,
    right: str = "",
    timeout_s: float = 20.0,
    max_chars: int = 4000,
    name: str = "",
) -> Callable[[ToolFunction], Tool]:
    """Make an async function a tool.

    Every parameter but a :class:`ToolContext` is offered to the model, so each needs a type that JSON
    can hold. The docstring's text is the description, its ``Args:`` those of the parameters.

    Args:
        effect: ``read`` or ``act``.
        right: For an act: the right the asker needs, in the application's words.
        timeout_s: Seconds it may take.
        max_chars: Characters of its output that the model gets.
        name: What the model calls it; the function's name when left out.

    Raises:
        ToolInvalid: The function cannot be offered to a model.
    """

    def declare(function: ToolFunction) -> Tool:
        called = name or function.__name__
        if not inspect.iscoroutinefunction(function):
            raise ToolInvalid(called, "it is not an async function")
        if not _NAME.fullmatch(called):
            raise ToolInvalid(called, "a name is up to 64 letters, digits, '_' and '-'")
        doc = inspect.getdoc(function) or ""
        description = " ".join(_ARGS.split(f"{doc}\n", maxsplit=1)[0].split())
        if not description:
            raise ToolInvalid(called, "it has no docstring to tell the model what it is for")
        takes_context, model = _arguments(called, function)
        try:
            arguments: TypeAdapter[Any] = TypeAdapter(model)
            schema = _schema(arguments, doc)
        except (PydanticUserError, ValueError) as error:
            raise ToolInvalid(called, f"its types cannot be described: {error}") from error
        spec = ToolSpec(called, description, schema)
        return Tool(spec, effect, right, timeout_s, max_chars, function, takes_context, arguments)

    return declare


def _arguments(name: str, function: ToolFunction) -> tuple[bool, type]:
    """Return whether the function wants the context, and its other parameters as a dataclass."""
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ToolInvalid(name, f"its annotations cannot be read: {error}") from error
    parameters = list(inspect.signature(function).parameters.values())
    takes_context = bool(parameters) and hints.get(parameters[0].name) is ToolContext
    fields: list[Any] = []
    for parameter in parameters[takes_context:]:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ToolInvalid(name, f"'{parameter}' cannot be given by name")
        if parameter.name not in hints:
            raise ToolInvalid(name, f"'{parameter.name}' has no type")
        default = () if parameter.default is parameter.empty else (field(default=parameter.default),)
        fields.append((parameter.name, hints[parameter.name], *default))
    namespace = {"__pydantic_config__": ConfigDict(extra="forbid"), "__doc__": ""}
    try:
        return takes_context, make_dataclass("Arguments", fields, kw_only=True, namespace=namespace)
    except ValueError as error:  # a default that calls would share
        raise ToolInvalid(name, str(error)) from error


def _schema(arguments: TypeAdapter[Any], doc: str) -> dict[str, Any]:
    """Return the JSON schema without titles, which repeat the names, and with the docstring's words."""
    schema = arguments.json_schema()
    schema.pop("title", None)
    told = {found[1]: " ".join(found[2].split()) for found in _ARGUMENT.finditer(doc)}
    for name, described in schema.get("properties", {}).items():
        described.pop("title", None)
        if name in told:
            described["description"] = told[name]
    return schema
