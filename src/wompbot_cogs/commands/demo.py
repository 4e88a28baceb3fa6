"""``wompbot demo``: the bot at work, without token, key or database."""


def demo() -> None:
    """Show the bot at work."""
