"""WompBot: a Discord bot on wompcore whose cogs are swapped while it runs."""
