"""OpenAI's formats for embeddings and transcriptions. Pure.

Sources: OpenAI API reference, "Embeddings" and "Create transcription"; RFC 7578 for the form.
"""

from __future__ import annotations

import json
import sys
from array import array
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from math import isfinite
from typing import Any

from wompcore.errors import ModelAnswerInvalid
from wompcore.llm.media import Audio, Embeddings, Transcript
from wompcore.llm.providers.chat_completions import read_count, read_usage
from wompcore.llm.providers.failure import error_inside_200
from wompcore.llm.providers.wire import json_bytes, json_object, kind_of
from wompcore.llm.stream import estimated_usage
from wompcore.usage import Usage


def encode_texts(texts: Sequence[str], model: str, dimensions: int | None) -> bytes:
    """Return the JSON body of a request for embeddings; a vector in base64 has a quarter of the bytes."""
    body: dict[str, Any] = {"model": model, "input": list(texts), "encoding_format": "base64"}
    if dimensions is not None:
        body["dimensions"] = dimensions
    return json_bytes(body)


def decode_embeddings(answer: bytes, *, sent: bytes, provider: str) -> Embeddings:
    """Read the body of a 200.

    Args:
        answer: The body.
        sent: The request; says how many vectors there must be.
        provider: For messages of errors.

    Raises:
        ModelError: It holds an error object.
        ModelAnswerInvalid: It does not hold one vector per text, all of one length.
    """
    body = _body(answer, provider)
    data = body.get("data")
    entries = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    entries.sort(key=lambda entry: read_count(entry.get("index")))
    vectors = tuple(_vector(entry.get("embedding")) for entry in entries)
    expected = len(json.loads(sent)["input"])
    if len(vectors) != expected or len({len(vector) for vector in vectors} - {0}) != 1 or not all(vectors):
        raise ModelAnswerInvalid(f"{provider} did not answer with one vector for each of {expected} texts")
    usage = read_usage(body.get("usage")) or Usage(input=estimated_usage(len(sent), 0).input, estimated=True)
    return Embeddings(vectors, usage, str(body.get("model") or ""))


def _vector(found: object) -> array[float]:
    """Read a vector in base64 or, from servers that know no other way, in numbers; empty if it is none."""
    vector = array("f")
    try:
        if isinstance(found, str):
            vector.frombytes(b64decode(found, validate=True))
            if sys.byteorder == "big":
                vector.byteswap()
        elif isinstance(found, list):
            vector.extend(found)
    except (ValueError, TypeError, OverflowError):
        return array("f")
    return vector if all(map(isfinite, vector)) else array("f")


def encode_audio(audio: Audio, model: str, language: str) -> bytes:
    """Return the form of a request for a transcription, the same bytes for the same recording."""
    fields = {"model": model, "response_format": "json", **({"language": language} if language else {})}
    boundary = sha256(audio.data).hexdigest()  # no recording holds its own hash
    parts = [_part(boundary, f'name="{name}"', value.encode()) for name, value in fields.items()]
    name = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in audio.name)
    parts.append(_part(boundary, f'name="file"; filename="{name}"', audio.data))
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


def form_type(form: bytes) -> str:
    """Return the content type of a form, whose first line is its boundary."""
    boundary = form[: form.index(b"\r\n")].removeprefix(b"--").decode()
    return f"multipart/form-data; boundary={boundary}"


def _part(boundary: str, about: str, value: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {about}\r\n\r\n"
    return head.encode("utf-8", "replace") + value + b"\r\n"


def decode_transcript(answer: bytes, *, provider: str) -> Transcript:
    """Read the body of a 200.

    Args:
        answer: The body.
        provider: For messages of errors.

    Raises:
        ModelError: It holds an error object.
        ModelAnswerInvalid: It holds no text.
    """
    body = _body(answer, provider)
    text = body.get("text")
    if not isinstance(text, str):
        raise ModelAnswerInvalid(f"{provider} answered 200 with JSON that is not a transcript")
    used = body.get("usage")
    used = used if isinstance(used, dict) else {}
    words, seconds = text.strip(), _seconds(used, body)
    usage = _tokens(used) or Usage(output=estimated_usage(0, len(words)).output, estimated=True)
    return Transcript(words, replace(usage, audio_s=seconds or 0.0), str(body.get("model") or ""), seconds)


def _tokens(used: Mapping[str, Any]) -> Usage | None:
    if "input_tokens" not in used:
        return None
    details = used.get("input_token_details")
    return Usage(
        input=read_count(used["input_tokens"]),
        output=read_count(used.get("output_tokens")),
        audio=read_count(details.get("audio_tokens")) if isinstance(details, dict) else 0,
    )


def _seconds(used: Mapping[str, Any], body: Mapping[str, Any]) -> float | None:
    seconds = used.get("seconds", body.get("duration"))
    try:
        found = float(seconds) if seconds is not None else -1.0
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found >= 0 and isfinite(found) else None


def _body(answer: bytes, provider: str) -> dict[str, Any]:
    body = json_object(answer)
    if body is None:
        raise ModelAnswerInvalid(f"{provider} answered 200 with {kind_of(answer)} instead of JSON")
    if error := body.get("error"):
        raise error_inside_200(error, provider)
    return body
