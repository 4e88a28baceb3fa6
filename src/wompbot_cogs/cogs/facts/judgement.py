"""The judgement: what the model is asked, and what its answer is worth. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator

from wompcore.llm import ChatRequest, Message
from wompcore.search import SearchResult, as_text
from wompcore.text import FENCE_RULE, bound, clean, fence, links_in
from wompcore.usage import Attribution

Verdict = Literal["true", "false", "mixed", "misleading", "unverifiable"]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

SOURCES_NEEDED: Final = 2
"""Independent sources, told apart by their registrable domains, that a verdict needs (spec 04, section 6)."""

SOURCES_SHOWN: Final = 3
ANALYSIS_CHARS: Final = 1500

_RAW_CHARS = 4000
_MAX_TOKENS = 700  # this and the temperature: spec 04, section 6
_TEMPERATURE = 0.1
_INSTRUCTIONS = f"""\
You check whether what somebody said in a chat is true, by search results alone.

Rules:
- Judge only by the results. What you know yourself does not count, and you quote nothing else.
- "true" or "false" only if at least two results from different publishers agree. "mixed" if parts are true
  and parts are not. "misleading" if it is literally right but leads to a wrong conclusion.
- "unverifiable" if the results do not bear on it, contradict each other, or if it is an opinion.

Answer with one JSON object and nothing else:
- verdict: true, false, mixed, misleading or unverifiable.
- analysis: two to five plain sentences that say what the results say, without links.
- sources: the numbers of the results that the verdict rests on.

{FENCE_RULE}"""


def _analysis(value: object) -> object:
    return " ".join(clean(value[:_RAW_CHARS]).split()) if isinstance(value, str) else value


class FactAnswer(BaseModel):
    """What the model says."""

    verdict: Verdict
    analysis: Annotated[str, BeforeValidator(_analysis)]
    sources: list[int]


@dataclass(frozen=True, slots=True)
class Source:
    """A page that a judgement rests on.

    Args:
        title: One line.
        url: Where it is.
        domain: Who is behind it; empty if that cannot be told.
    """

    title: str
    url: str
    domain: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a fact check found.

    Args:
        verdict: The verdict.
        analysis: Why; empty when the verdict is not the model's.
        sources: Pages to read on, at most three, each of another domain.
    """

    verdict: Verdict
    analysis: str
    sources: tuple[Source, ...]


def request(text: str, found: Sequence[SearchResult], attribution: Attribution, model: str) -> ChatRequest:
    """Return what the model is asked.

    Args:
        text: What somebody said.
        found: What a search found for it.
        attribution: Who it is for.
        model: The model's name; empty for the configured chat model.
    """
    fences = (fence(as_text(found), "search results"), fence(text, "what somebody said"))
    return ChatRequest(
        messages=(Message("system", _INSTRUCTIONS), Message("user", "\n".join(fences))),
        attribution=attribution,
        model=model,
        max_tokens=_MAX_TOKENS,
        temperature=_TEMPERATURE,
    )


def judge(
    answer: FactAnswer, found: Sequence[SearchResult], domain_of: Callable[[str], str | None]
) -> Judgement:
    """Return what an answer is worth: without two independent sources, nothing is ruled on.

    Args:
        answer: The model's.
        found: What it was shown.
        domain_of: Tells who is behind a page.
    """
    named = [found[number - 1] for number in answer.sources if 1 <= number <= len(found)]
    sources = _one_of_each(named, domain_of)
    shown = tuple((sources or _one_of_each(found, domain_of))[:SOURCES_SHOWN])
    if answer.verdict != "unverifiable" and len(sources) < SOURCES_NEEDED:
        return Judgement("unverifiable", "", shown)
    return Judgement(answer.verdict, _told(answer.analysis, found), shown)


def _one_of_each(found: Sequence[SearchResult], domain_of: Callable[[str], str | None]) -> list[Source]:
    """Return the first page of each domain; pages of which nobody knows who is behind them do not count."""
    sources: dict[str, Source] = {}
    for result in found:
        if domain := domain_of(result.url):
            sources.setdefault(domain, Source(result.title, result.url, domain))
    return list(sources.values())


def _told(analysis: str, found: Sequence[SearchResult]) -> str:
    """Return an analysis without links that it was not given, cut at the end of a sentence."""
    for link in sorted(links_in(analysis) - {result.url for result in found}, key=len, reverse=True):
        analysis = analysis.replace(link, "…")
    cut = bound(analysis, ANALYSIS_CHARS)
    end = max(cut.rfind(mark) for mark in (". ", "! ", "? "))
    return cut if cut == analysis or end < 0 else cut[: end + 1]
