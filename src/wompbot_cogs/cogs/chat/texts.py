"""What people read."""

from __future__ import annotations

GREETING = "Yes? Ask me anything."
THINKING = "thinking …"
CUT = "(Your message was long; I read its first {limit:,} characters.)"
SLOW_DOWN = "One moment: ask again in {seconds:.0f} s."
BUSY = "This channel keeps me busy right now; please try again in a moment."
TOO_MANY = "I am still working on your earlier questions."
NO_ANSWER = "I have no answer to that. Could you put it another way?"
UNAVAILABLE = "My model is not available right now; please try again in a minute (reference {reference})."
FAILED = "Something went wrong on my side; please try again later (reference {reference})."
