"""What is kept about a person: handing it to them, and erasing it."""

from wompcore.privacy.privacy import Erasure, Privacy

__all__ = ["Erasure", "Privacy"]
