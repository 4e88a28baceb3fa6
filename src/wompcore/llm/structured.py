"""Answers as validated objects. Pure but for the asking, which is handed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError, create_model

from wompcore.errors import StructuredAnswerInvalid
from wompcore.llm.reply import Reply
from wompcore.llm.request import ChatRequest, Message

T = TypeVar("T")

_PROBLEMS_SHOWN = 8


class Shape(Generic[T]):
    """What an answer must be.

    Endpoints take a schema only when it describes an object, so any other shape is asked for as the one
    field of an object, and taken out of it again.

    Args:
        kind: A pydantic model, a dataclass, a list, a number: any type that pydantic knows.
    """

    def __init__(self, kind: type[T]) -> None:
        self._itself = TypeAdapter(kind)
        schema = self._itself.json_schema()
        self._around: Any = None
        if schema.get("type") != "object":
            self._around = create_model("Answer", answer=(kind, ...))
            schema = self._around.model_json_schema()
        self.schema: Mapping[str, Any] = schema

    def parse(self, text: str) -> T:
        """Read an answer; a code fence or words around it are left out.

        Raises:
            ValidationError: There is nothing of that shape.
        """
        if self._around is None:
            return self._itself.validate_json(_between("{", "}", text))
        try:
            found: T = self._around.model_validate_json(_between("{", "}", text)).answer
            return found
        except ValidationError as error:
            try:  # some models leave the object out
                return self._itself.validate_json(_between("[", "]", text))
            except ValidationError:
                raise error from None


async def ask_for(
    kind: type[T], request: ChatRequest, complete: Callable[[ChatRequest], Awaitable[Reply]]
) -> T:
    """Return the answer in its shape; a model that misses it is told what is wrong, once.

    Args:
        kind: What the answer must be; see :class:`Shape`.
        request: What to ask; its own ``response_schema`` is replaced.
        complete: Asks.

    Raises:
        StructuredAnswerInvalid: Neither answer has the shape.
        ModelError: There was no answer.
    """
    shape = Shape(kind)
    request = replace(request, response_schema=shape.schema)
    reply = await complete(request)
    try:
        return shape.parse(reply.text)
    except ValidationError as error:
        problems = describe(error)
    repair = (
        Message("assistant", reply.text),
        Message("user", f"That is not valid: {problems}. Answer again with the corrected JSON only."),
    )
    reply = await complete(replace(request, messages=request.messages + repair))
    try:
        return shape.parse(reply.text)
    except ValidationError as error:
        raise StructuredAnswerInvalid(reply.model, describe(error), reply.finish_reason) from error


def describe(error: ValidationError) -> str:
    """Return what is wrong in one line, without quoting the answer."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    said = [f"{'.'.join(map(str, each['loc'])) or 'the answer'}: {each['msg']}" for each in found]
    more = f"; and {len(said) - _PROBLEMS_SHOWN} more" if len(said) > _PROBLEMS_SHOWN else ""
    return "; ".join(said[:_PROBLEMS_SHOWN]) + more


def _between(first: str, last: str, text: str) -> str:
    begin, end = text.find(first), text.rfind(last)
    return text[begin : end + 1] if 0 <= begin < end else text or "null"
