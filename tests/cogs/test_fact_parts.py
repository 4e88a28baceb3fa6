"""The parts of a fact check: who is behind a page, what an answer is worth, who may ask."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from wompbot_cogs.cogs.facts import texts
from wompbot_cogs.cogs.facts.book import FactBook, Request
from wompbot_cogs.cogs.facts.judgement import VERDICTS, FactAnswer, Judgement, Source, judge
from wompbot_cogs.cogs.facts.settings import FactSettings
from wompbot_cogs.cogs.facts.sources import Domains
from wompcore.db import Database, make_schema
from wompcore.errors import CoolingDown, LimitReached
from wompcore.search import SearchResult

DOMAINS = Domains(PublicSuffixList())
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MIGRATIONS = [
    files("wompbot_cogs.cogs.facts").joinpath(f"migrations/{name}.expand.sql")
    for name in ("0001_checks", "0002_guild_days")
]
FOUND = [SearchResult(f"page {n}", f"https://www.site{n % 3}.example.com/{n}", "x") for n in range(5)]


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.bbc.co.uk/news", "bbc.co.uk"),
        ("http://BBC.co.uk.:8080/x", "bbc.co.uk"),
        ("https://one.github.io/", "one.github.io"),
        ("https://bbc.co.uk@evil.example.com/", "example.com"),
        ("https://www.bücher.de/", "xn--bcher-kva.de"),
        ("https://www.xn--bcher-kva.de/", "xn--bcher-kva.de"),
        ("https://co.uk/", None),
        ("https://localhost/", None),
        ("https://192.0.2.1/", None),
        ("https://[2001:db8::1]/", None),
        ("https://[nonsense/", None),
        ("https://name.notasuffix/", None),
        ("https://evil.com\\@bbc.co.uk/", None),
        ("https://" + "a" * 70 + ".com/", None),
        ("https://..com/", None),
    ],
)
def test_a_page_belongs_to_its_registrable_domain(url: str, domain: str | None) -> None:
    assert DOMAINS.of(url) == domain


@given(st.text())
def test_any_text_has_a_domain_or_none(text: str) -> None:
    DOMAINS.of(text)
    DOMAINS.of(f"https://{text}")


@given(st.sampled_from(VERDICTS), st.lists(st.integers(-2, 9)), st.text())
def test_no_answer_rules_without_two_domains(verdict: str, numbers: list[int], analysis: str) -> None:
    answer = FactAnswer.model_validate({"verdict": verdict, "analysis": analysis, "sources": numbers})
    found = judge(answer, FOUND, lambda url: url.split("/")[2])
    named = {number % 3 for number in numbers if 1 <= number <= len(FOUND)}
    if found.verdict != "unverifiable":
        assert len(named) >= 2
        assert found.verdict == verdict
    domains = [source.domain for source in found.sources]
    assert len(domains) == len(set(domains)) <= 3


@given(st.text(max_size=3000), st.text(max_size=3000), st.text(max_size=120), st.text(max_size=290))
def test_an_answer_fits_whatever_is_in_it(claim: str, analysis: str, title: str, path: str) -> None:
    sources = tuple(Source(title, f"https://a.example/{path}", "a_b." * 60) for _ in range(3))
    shown = texts.answer(claim, Judgement("false", analysis, sources), 2**63 - 1)
    assert len(shown) <= 4096
    assert shown.endswith(f"<@{2**63 - 1}>")
    assert "@everyone" not in shown


def test_an_analysis_is_cut_at_the_end_of_a_sentence() -> None:
    answer = FactAnswer(verdict="unverifiable", analysis="It is so. " * 300, sources=[])
    found = judge(answer, FOUND, lambda url: url)
    assert found.analysis.endswith("It is so.")
    assert 1400 < len(found.analysis) <= 1500


async def book_of(db: Database, **settings: float) -> FactBook:
    schema = await make_schema(db, "plugin_facts")
    async with schema.transaction() as connection:
        for migration in MIGRATIONS:
            await connection.execute(migration.read_bytes())
    return FactBook(schema, FactSettings.model_validate(settings))


async def test_of_many_requests_at_once_one_begins(db: Database) -> None:
    book = await book_of(db)
    begun = await asyncio.gather(*(book.begin(Request(1, 9, NOW)) for _ in range(5)), return_exceptions=True)
    assert begun.count(None) == 1
    assert all(error is None or isinstance(error, CoolingDown) for error in begun)
    await book.begin(Request(2, 9, NOW))


async def test_only_what_was_answered_counts_and_a_place_left_behind_is_free_again(db: Database) -> None:
    book = await book_of(db)
    await book.begin(Request(1, 9, NOW))
    await book.finish(Request(1, 9, NOW), counts=False)
    await book.begin(Request(1, 9, NOW))
    with pytest.raises(CoolingDown):
        await book.begin(Request(1, 9, NOW + timedelta(minutes=4)))
    await book.begin(Request(1, 9, NOW + timedelta(minutes=5)))  # the process of the first has died
    await book.finish(Request(1, 9, NOW), counts=True)  # it comes back too late
    with pytest.raises(CoolingDown):
        await book.begin(Request(1, 9, NOW + timedelta(minutes=6)))


async def test_cooldown_and_day_are_kept(db: Database) -> None:
    book = await book_of(db, cooldown_s=300, per_day=2)
    for at in (NOW, NOW + timedelta(seconds=300)):
        await book.begin(Request(1, 9, at))
        await book.finish(Request(1, 9, at), counts=True)
        if at == NOW:
            with pytest.raises(CoolingDown, match="another 100 seconds"):
                await book.begin(Request(1, 9, at + timedelta(seconds=200)))
    with pytest.raises(LimitReached, match="2 fact checks"):
        await book.begin(Request(1, 9, NOW + timedelta(hours=23)))
    await book.begin(Request(1, 9, NOW + timedelta(hours=24)))


async def test_what_was_found_is_shown_for_a_day_and_then_removed(db: Database) -> None:
    book = await book_of(db)
    found = Judgement("mixed", "so and so", (Source("t", "https://a.example/", "a.example"),))
    await book.keep(5, 1, "claim", found, NOW)
    assert await book.kept(5, "claim", NOW + timedelta(hours=23)) == found
    assert await book.kept(5, "another claim", NOW) is None
    assert await book.kept(5, "claim", NOW + timedelta(hours=24)) is None
    await book.begin(Request(1, 9, NOW))
    await book.finish(Request(1, 9, NOW), counts=True)
    await book.sweep(NOW + timedelta(hours=23))
    assert await book.ids() == [5]
    await book.sweep(NOW + timedelta(hours=25))
    assert await book.ids() == []
    await book.begin(Request(1, 9, NOW))  # its row is gone


async def test_a_server_has_so_many_checks_a_day_however_many_ask_at_once(db: Database) -> None:
    book = await book_of(db, per_guild_day=3)
    asked = [Request(person, 9, NOW) for person in range(8)]
    begun = await asyncio.gather(*map(book.begin, asked), return_exceptions=True)
    assert begun.count(None) == 3
    refused = [each for each, error in zip(asked, begun, strict=True) if error]
    with pytest.raises(LimitReached, match="This server"):
        await book.begin(refused[0])
    await book.begin(Request(refused[0].person_id, 10, NOW))  # it lost no place of its own
    await book.finish(asked[begun.index(None)], counts=False)
    await book.begin(refused[1])
    await book.begin(Request(refused[2].person_id, 9, NOW + timedelta(days=1)))
    await book.sweep(NOW + timedelta(days=3))
    assert await db.fetch_value("SELECT count(*) FROM plugin_facts.guild_days") == 0
