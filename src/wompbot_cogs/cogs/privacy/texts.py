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
