"""What a prompt shows: who said what, what is asked, what tools returned. Pure and bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_MAX_MESSAGES = 400
_MAX_CHARS = 40_000  # of one message; the end is what counts
_MAX_LINES = 1000
_MAX_QUESTION = 2000
_MAX_SUBJECT = 4000

_FENCE = re.compile(r'<outside-text id="(\w+)" label="([^"]*)">\n(.*?)\n</outside-text id="\1">', re.DOTALL)
_SAID = re.compile(r"(?:\[[^\]\n]{1,40}\] ?)?<?@?([^\s:<>\[\]][^:<>\n]{0,31}?)>?: ?(?!//)(\S.*)")
_OWN_NAME = re.compile(r"\bYou are ([^\s,.]+),")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_STOP_WORDS = frozenset(
    _WORD.findall(
        "a about all am an and any are as at be been but by can could did do does for from had has have "
        "he her here him his how i if in into is it its just know like me my no not of on or our out "
        "please said say saying says she should so some someone tell than that the their them then there "
        "they this to too up us was we were what when where which who whom why will with would you your "
        "yes"
    )
)

_ENDINGS = (("ing", 6), ("ed", 5), ("es", 5), ("s", 4))  # and the least length of a word that has one


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that somebody said.

    Args:
        speaker: Who, as the prompt names them.
        text: What.
    """

    speaker: str
    text: str


@dataclass(slots=True)
class Prompt:
    """A prompt, taken apart.

    Args:
        question: The last thing asked, without its speaker.
        subject: The fenced text of the last user's turn, when there is one: what is to be judged.
        subjects: Every fenced message of the last user's turn, when several are to be judged.
        lines: The conversation shown, oldest first; neither the question nor what the model itself said.
        tool_results: Name and result of the tools that ran since the question.
    """

    question: str = ""
    subject: str = ""
    subjects: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    tool_results: list[tuple[str, str]] = field(default_factory=list)


def stems(text: str) -> list[str]:
    """Return the telling words of a text, lower-cased and without common endings, in order."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def _stem(word: str) -> str:
    word = word.removesuffix("'s").removesuffix("’s")
    for ending, least in _ENDINGS:
        if word.endswith(ending) and len(word) >= least:
            return word.removesuffix(ending)
    return word


def mentioned(asked: set[str], lines: Sequence[Line]) -> list[set[str]]:
    """Return, for each line, which of the asked stems it holds."""
    if not asked:
        return [set() for _ in lines]
    stem = "|".join(re.escape(word) for word in sorted(asked))
    pattern = re.compile(
        rf"(?<![^\W_])({stem})(?:'s|’s)?(?:{'|'.join(ending for ending, _ in _ENDINGS)})?(?![^\W_])"
    )
    return [set(pattern.findall(line.text.lower())) for line in lines]


def read_prompt(messages: Sequence[Mapping[str, Any]]) -> Prompt:
    """Take the messages of a chat completion request apart.

    Args:
        messages: As in the request's JSON; anything that is not understood is left out.
    """
    messages = [message for message in messages[-_MAX_MESSAGES:] if isinstance(message, Mapping)]
    asked_at = max((i for i, m in enumerate(messages) if m.get("role") == "user"), default=None)
    prompt = Prompt()
    for index, message in enumerate(messages):
        text = _text(message)
        if index == asked_at:
            _read_question(text, prompt)
        elif message.get("role") == "user":
            prompt.lines += _lines(_FENCE.sub(r"\3", text), str(message.get("name") or "someone"))
        elif message.get("role") == "system":
            for fenced in _FENCE.finditer(text):
                prompt.lines += _lines(fenced[3], "")
        elif message.get("role") == "tool" and asked_at is not None and index > asked_at:
            prompt.tool_results.append((_tool_name(messages, message), _FENCE.sub(r"\3", text)))
    own = {name for m in messages if m.get("role") == "system" for name in _OWN_NAME.findall(_text(m))}
    prompt.lines = [line for line in prompt.lines if line.speaker not in own][-_MAX_LINES:]
    return prompt


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return str(content or "")[-_MAX_CHARS:]


def _read_question(text: str, prompt: Prompt) -> None:
    """The question is what stands outside every fence, or inside the last one when nothing does."""
    fenced = [match[3] for match in _FENCE.finditer(text)]
    outside = _FENCE.sub("\n", text).strip()
    prompt.subjects = [
        match[3][:_MAX_SUBJECT] for match in _FENCE.finditer(text) if match[2].startswith("message of ")
    ]
    prompt.subject = (fenced[-1] if fenced else outside)[:_MAX_SUBJECT]
    if not outside and fenced:
        outside = fenced.pop()
    for shown in fenced:
        prompt.lines += _lines(shown, "")
    said = _lines(outside, "")
    if len(said) > 1:
        prompt.lines += said[:-1]
    prompt.question = (said[-1].text if said else outside)[-_MAX_QUESTION:]


def _lines(text: str, speaker: str) -> list[Line]:
    """Split a text at its ``name: words`` lines; what no name stands before goes to ``speaker``."""
    found: list[tuple[str, str]] = []
    for row in text.splitlines():
        said = _SAID.fullmatch(row.strip())
        if said and not said[1].isdigit():
            found.append((said[1].strip(), said[2]))
        elif found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {row.strip()}")
        elif speaker and row.strip():
            found.append((speaker, row.strip()))
    return [Line(name, words) for name, words in found]


def _tool_name(messages: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> str:
    """Return the name of the tool whose call a result answers."""
    for message in messages:
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = call.get("function") if isinstance(call, Mapping) else None
            if isinstance(function, Mapping) and call.get("id") == result.get("tool_call_id"):
                return str(function.get("name"))
    return "tool"
