"""What there is to find in the demo: a handful of real pages, searched on this machine."""

from __future__ import annotations

from wompcore.search import SearchResult

PAGES = (
    SearchResult(
        "discord.py",
        "https://discordpy.readthedocs.io",
        "A modern, feature-rich and async-ready API wrapper for Discord written in Python.",
    ),
    SearchResult(
        "PostgreSQL: The world's most advanced open source database",
        "https://www.postgresql.org",
        "PostgreSQL is an open source object-relational database system.",
    ),
    SearchResult(
        "Rust Programming Language",
        "https://www.rust-lang.org",
        "A language empowering everyone to build reliable and efficient software.",
    ),
    SearchResult(
        "SearXNG", "https://docs.searxng.org", "A free metasearch engine that you can run on your own server."
    ),
)
