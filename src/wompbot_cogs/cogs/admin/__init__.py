"""Who may do what, and what each server decided."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.admin.admins import AdminsCog
from wompbot_cogs.cogs.admin.settings import SettingsCog

plugin = Plugin(AdminsCog, SettingsCog)
