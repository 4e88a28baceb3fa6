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
CONFIRM = "{asker}, shall I do this for you? `{tool}`: {what}\n```json\n{arguments}\n```"
CONFIRMED = "`{tool}`: you said yes."
NOT_CONFIRMED = "`{tool}`: not done."
NOT_YOURS = "Only the person who asked can decide that."
YES = "Do it"
NO = "Leave it"
