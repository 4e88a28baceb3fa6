"""The stand-in's words: everything it says was in the prompt, or is about itself. Pure."""

from __future__ import annotations

import re
from collections import Counter

from wompcore.llm.offline.prompt import Line, Prompt, mentioned, stems

WHO_I_AM = (
    "I am the offline stand-in model, a small program and no real LLM. I need no key and no network, "
    "and I can only find things in the messages I am shown."
)
WHAT_TO_DO = "For real answers, point llm.base_url and llm.api_key at a model endpoint."

_QUOTE_CHARS = 200
_TOOL_CHARS = 1500
_MOST_QUOTES = 3

_IDENTITY = re.compile(
    r"\b(?:who|what) (?:are|r) (?:you|u)\b|\bare you (?:an? )?(?:real|human|person|ai|bot|robot|llm|model)\b"
    r"|\b(?:what|which) (?:model|llm|ai)\b|\byour name\b|\bwhat can you do\b"
)
_GREETING = re.compile(r"(?:hi|hello|hey|yo|thanks|thank you|thx|good (?:morning|evening|night))\b.{0,20}")
_COUNT = re.compile(r"\bhow many (?:\w+ )?(?:messages|lines|people|persons|users|members|speakers)\b")
_LAST = re.compile(r"\blast (?:message|thing|line)\b|\b(?:spoke|talked|wrote|said) last\b")
_SUMMARY = re.compile(
    r"\bsummar|\btl;?dr\b|\bcatch me up\b|\brecap\b|\bdid i miss\b|\bgoing on\b|\bwhat(?:'s| is) happening\b"
    r"|\bwhat (?:are|were|was|is) (?:\w+ )?(?:talk|discuss|chat)|\bbeing discussed\b"
)
_WHAT_SAID = re.compile(
    r"\bwhat (?:did|does|has|had|was|is|were|are)\b.*\b(?:sa[iy]|th[io]|menti|wr[io]t|talk|tell|tol)"
)
_WHO = re.compile(r"\bwho(?:se|m)?\b|\banyone\b|\bsomeone\b|\banybody\b")


def answer(prompt: Prompt) -> str:
    """Return the stand-in's answer to a prompt's question, or to its tools' results."""
    if prompt.tool_results:
        return "\n".join(f"{name}: {_cut(result, _TOOL_CHARS)}" for name, result in prompt.tool_results)
    question = prompt.question.lower()
    if _IDENTITY.search(question):
        return f"{WHO_I_AM} {WHAT_TO_DO}"
    if _GREETING.fullmatch(question):
        return "Hello! I am the offline stand-in model: ask me about the messages I was shown."
    if not prompt.lines:
        return f"I was shown no messages. {WHO_I_AM} {WHAT_TO_DO}"
    if _COUNT.search(question):
        return _count(prompt.lines)
    if _SUMMARY.search(question):
        return _summary(prompt.lines)
    speaker = _named(question, prompt.lines)
    if speaker and (_WHAT_SAID.search(question) or _LAST.search(question)):
        return _what_said(speaker, question, prompt.lines)
    if _LAST.search(question):
        return f"The last message I was shown: {_quote(prompt.lines[-1])}"
    return _closest(question, prompt.lines)


def _count(lines: list[Line]) -> str:
    people = Counter(line.speaker for line in lines)
    most, times = people.most_common(1)[0]
    return f"I was shown {_times(len(lines))} by {_people(len(people))}; {most} wrote most of them, {times}."


def _summary(lines: list[Line]) -> str:
    people = Counter(line.speaker for line in lines)
    topics = Counter(word for line in lines for word in set(stems(line.text)) if len(word) > 3)
    names = ", ".join(f"{name} ({times})" for name, times in people.most_common(5))
    told = [f"I was shown {_times(len(lines))} by {_people(len(people))}: {names}."]
    if frequent := [word for word, times in topics.most_common(6) if times > 1]:
        told.append(f"Words that come up most: {', '.join(frequent)}.")
    told.append("The latest:")
    return "\n".join([*told, *(f"- {_quote(line)}" for line in lines[-_MOST_QUOTES:])])


def _named(question: str, lines: list[Line]) -> str:
    """Return the speaker whose name stands in the question; the longest such name."""
    names = {line.speaker for line in lines if line.speaker.lower() in question}
    found = [name for name in names if re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", question)]
    return max(found, key=lambda name: (len(name), name), default="")


def _what_said(speaker: str, question: str, lines: list[Line]) -> str:
    theirs = [line for line in lines if line.speaker == speaker]
    about = set(stems(question)) - set(stems(speaker))
    matching = [line for line, shared in zip(theirs, mentioned(about, theirs), strict=True) if shared]
    picked = (matching or theirs)[-_MOST_QUOTES:]
    return "\n".join(_quote(line) for line in picked)


def _closest(question: str, lines: list[Line]) -> str:
    ranked = _ranked(set(stems(question)), lines)
    if not ranked:
        return f"Nothing in the {_times(len(lines))} I was shown answers that. {WHO_I_AM} {WHAT_TO_DO}"
    if _WHO.search(question):
        best = {line.speaker: line for line in reversed(ranked)}  # each speaker's highest ranked line
        return "\n".join(_quote(line) for line in [*best.values()][: -_MOST_QUOTES - 1 : -1])
    return f"The closest I was shown: {_quote(ranked[0])}"


def _ranked(asked: set[str], lines: list[Line]) -> list[Line]:
    """Return the lines that share a third of the asked words: most shared first, then rarest, then latest."""
    least = max(1, len(asked) // 3)
    shared = mentioned(asked, lines)
    shown = Counter(word for words in shared for word in words)
    scored = [
        (len(words), sum(1 / shown[word] for word in words), at)
        for at, words in enumerate(shared)
        if len(words) >= least
    ]
    return [lines[at] for _, _, at in sorted(scored, reverse=True)]


def _quote(line: Line) -> str:
    return f"{line.speaker}: “{_cut(line.text, _QUOTE_CHARS)}”"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _times(number: int) -> str:
    return "one message" if number == 1 else f"{number} messages"


def _people(number: int) -> str:
    return "one person" if number == 1 else f"{number} people"
