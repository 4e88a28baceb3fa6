"""What was said, found again."""

from wompcore.memory.memory import Memory, Remembered

__all__ = ["Memory", "Remembered"]
