"""A guild that exists only in this process, for demo, tests and checks; stands on simcord."""

from wompbot_cogs.simulated.guild import GUILD_ID, CommandRefused, SimulatedGuild
from wompbot_cogs.simulated.payloads import message_create
from wompbot_cogs.simulated.said import Said, SentFile
from wompbot_cogs.simulated.work import Work
from wompbot_cogs.simulated.world import member_id

__all__ = [
    "GUILD_ID",
    "CommandRefused",
    "Said",
    "SentFile",
    "SimulatedGuild",
    "Work",
    "member_id",
    "message_create",
]
