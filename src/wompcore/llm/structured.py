"""Answers as validated objects. Pure but for the asking, which is handed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from wompcore.errors import StructuredAnswerInvalid
from wompcore.llm.reply import Reply
from wompcore.llm.request import ChatRequest, Message

M = TypeVar("M", bound=BaseModel)

_PROBLEMS_SHOWN = 8


async def ask_for(
    shape: type[M], request: ChatRequest, complete: Callable[[ChatRequest], Awaitable[Reply]]
) -> M:
    """Return the answer as an object; a model that misses the shape is told what is wrong, once.

    Args:
        shape: What the answer must be.
        request: What to ask; its own ``response_schema`` is replaced.
        complete: Asks.

    Raises:
        StructuredAnswerInvalid: Neither answer has the shape.
        ModelError: There was no answer.
    """
    request = replace(request, response_schema=shape.model_json_schema())
    reply = await complete(request)
    try:
        return parse(shape, reply.text)
    except ValidationError as error:
        problems = describe(error)
    repair = (
        Message("assistant", reply.text),
        Message("user", f"That is not valid: {problems}. Answer again with the corrected JSON only."),
    )
    reply = await complete(replace(request, messages=request.messages + repair))
    try:
        return parse(shape, reply.text)
    except ValidationError as error:
        raise StructuredAnswerInvalid(reply.model, describe(error), reply.finish_reason) from error


def parse(shape: type[M], text: str) -> M:
    """Read an object from an answer; a code fence or words around it are left out.

    Raises:
        ValidationError: There is none of that shape.
    """
    begin, end = text.find("{"), text.rfind("}")
    return shape.model_validate_json(text[begin : end + 1] if 0 <= begin < end else text or "null")


def describe(error: ValidationError) -> str:
    """Return what is wrong in one line, without quoting the answer."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    said = [f"{'.'.join(map(str, each['loc'])) or 'the answer'}: {each['msg']}" for each in found]
    more = f"; and {len(said) - _PROBLEMS_SHOWN} more" if len(said) > _PROBLEMS_SHOWN else ""
    return "; ".join(said[:_PROBLEMS_SHOWN]) + more
