"""Trains the learned part of the screen: ``python -m wompcore.claims.train``. Needs the extra ``train``."""
