"""What a model endpoint means when it does not answer with a completion. Pure."""

from __future__ import annotations

import re

from wompcore.errors import (
    ContextTooLong,
    ModelAnswerInvalid,
    ModelError,
    ModelRateLimited,
    ModelRequestRefused,
    ModelUnauthorized,
    ModelUnavailable,
)
from wompcore.llm.providers.wire import json_object, kind_of

_QUOTED_CHARS = 200
_NEVER_RETRIED = frozenset({501, 505})  # the server lacks what was asked; asking again changes nothing
_STATUS_OF_WORD = {
    "authentication_error": 401,
    "billing_error": 402,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "insufficient_quota": 402,
    "invalid_api_key": 401,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "request_too_large": 413,
}
"""What gateways write instead of a status. Sources: the error pages of OpenAI and Anthropic, llama.cpp."""
_TOO_LONG = re.compile(
    r"context[ _](?:length|window|size|limit)|maximum context|prompt is too long|too many (?:input )?tokens"
    r"|exceeds? the (?:available|model'?s?) context",
    re.IGNORECASE,
)
"""How OpenAI, Anthropic, vLLM, llama.cpp, LiteLLM and OpenRouter say that a request is too long."""


_NOT_TAKEN = re.compile(r"unsupported|not support|may only be set|deprecated", re.IGNORECASE)
_FIELD = re.compile(r"\b(?:max(?:_completion)?_tokens|temperature|stop|seed|tool_choice|stream_options)\b")
"""How OpenAI, Anthropic and LiteLLM say that a model does not take a field, and which."""


def error_of_status(
    status: int, body: bytes, *, provider: str, retry_after_s: float | None = None
) -> ModelError:
    """Return the error that an HTTP status other than 200 stands for.

    Source of what is worth a retry: spec 03, section 3.

    Args:
        status: The HTTP status.
        body: The answer's body; what it says is quoted.
        provider: Who answered.
        retry_after_s: Seconds the endpoint asked to wait.
    """
    found = json_object(body)
    if found is None:
        return _error(status, f" with {kind_of(body)}", provider, retry_after_s)
    error = found.get("error", found)
    if status == 429 and _word(error) == "insufficient_quota":  # no wait brings the credit back
        status = 402
    return _error(status, f": {_said(error)}", provider, retry_after_s)


def error_inside_200(error: object, provider: str) -> ModelError:
    """Return the error that an error object inside a 200 stands for, by its code.

    A gateway that has already answered 200 reports its upstream's failure this way.
    """
    word = _word(error)
    is_status = word.isascii() and word.isdigit() and len(word) == 3
    status = int(word) if is_status else _STATUS_OF_WORD.get(word, 502)
    return _error(status, f": {_said(error)}", provider, None)


def _word(error: object) -> str:
    """Return an error object's code, or its type when the code is none that is known."""
    if not isinstance(error, dict):
        return ""
    code = str(error.get("code") or "")
    return code if code.isdigit() or code in _STATUS_OF_WORD else str(error.get("type") or code)


def _error(status: int, said: str, provider: str, retry_after_s: float | None) -> ModelError:
    message = f"{provider} answered {status}{said}"
    match status:
        case 401 | 403:
            return ModelUnauthorized(message, status=status)
        case 402:
            return ModelUnauthorized(
                message, status=status, hint="The account has no credit left: add some at the provider."
            )
        case 429:
            return ModelRateLimited(message, status=status, retryable=True, retry_after_s=retry_after_s)
        case 404 | 405:
            hint = "Check llm.model, and that llm.base_url is the API root, usually ending in /v1."
            return ModelRequestRefused(message, status=status, hint=hint)
        case 408 | 425:
            return ModelUnavailable(message, status=status, retryable=True, retry_after_s=retry_after_s)
        case 400 | 413 | 422 if _TOO_LONG.search(said):
            return ContextTooLong(message, status=status)
        case 400 | 422 if _NOT_TAKEN.search(said) and (field := _FIELD.search(said)):
            return ModelRequestRefused(message, status=status, hint=_without(field[0]))
        case _ if status >= 500:
            retryable = status not in _NEVER_RETRIED
            return ModelUnavailable(message, status=status, retryable=retryable, retry_after_s=retry_after_s)
        case _ if 300 <= status < 400:
            hint = "Redirects are not followed: set llm.base_url to the API root itself, https and all."
            return ModelAnswerInvalid(message, status=status, hint=hint)
        case _ if status < 300:
            return ModelAnswerInvalid(message, status=status)
        case _:
            return ModelRequestRefused(message, status=status)


def _without(field: str) -> str:
    """Return what to set when a model does not take a field."""
    match field:
        case "max_tokens":
            return 'Set llm.limit_name = "max_completion_tokens".'
        case "max_completion_tokens":
            return 'Set llm.limit_name = "max_tokens".'
        case _:
            return f'Set llm.leave_out = ["{field}"].'


def _said(error: object) -> str:
    """Return an error object's own words in one bounded line."""
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or error.get("code") or "no reason given"
    words = " ".join(str(error).split())
    return words if len(words) <= _QUOTED_CHARS else words[: _QUOTED_CHARS - 1] + "…"
