"""What people read."""

from __future__ import annotations

OPTED_OUT = (
    "You are opted out.\n"
    "- The messages of yours that I had stored are blanked, in every server.\n"
    "- From now on I neither store nor analyse what you write, and claims of yours are no longer shown.\n"
    "- I still answer when you address me, without knowing what you said before.\n"
    "`/wompbot_optin` takes you back in."
)
ALREADY_OUT = (
    "You are already opted out: nothing that you write is stored or analysed. "
    "`/wompbot_optin` takes you back in."
)
OPTED_IN = (
    "You are opted in (privacy policy {policy}): I store and analyse what you write from now on. "
    "What was blanked stays blank. `/wompbot_optout` takes you out again."
)
ALREADY_IN = "You are already opted in. `/wompbot_optout` takes you out."
UNCHANGED = "I cannot reach my database, so nothing was changed. Please try again in a minute."

EXPORTED = (
    "Everything that I keep about you, one JSON value per line. The first line says whose it is, the last "
    "one counts the rows; a `.gz` file unpacks with gzip."
)
EXPORTED_TODAY = "You got a file within the last day. Please ask again tomorrow."
ERASE = (
    "This erases everything that I keep about {whose}, in every server: messages, claims, statistics, and "
    "what plugins keep. It cannot be undone. I store nothing more from now on, until `/wompbot_optin`.\n"
    "What the law wants kept stays: the record of consent, and that data was erased."
)
ERASING = "It is being erased now. I store nothing more; `/wompbot_optin` takes back in."
NOT_ERASED = "Nothing was erased."
ONLY_YOURS = "You can do that with your own data only."
DMS_CLOSED = "I may not send you direct messages. Please use the slash command."
YES = "Erase it"
NO = "Keep it"
