from __future__ import annotations

from discord_server import discord_server as discord_server
