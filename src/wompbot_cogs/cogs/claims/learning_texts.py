"""What people read about the filter."""

from __future__ import annotations

from wompcore.claims.worth import CONFIDENCE, Estimate, Worth

TITLE = "Claim filter"
FOOTER = (
    "As the model judges, of messages that could be checked. Intervals hold {confidence:.0%} of the time."
)
PRECISION = "Precision"
RECALL = "Recall"
LEARNED = "Learned"
SHARE = "**{value:.0%}** ({low:.0%} to {high:.0%})"
OF_FIRED = "{share}: {hits:,} of {fired:,} messages that fired were claims"
OF_EXPLORED = (
    "{share}: {misses:,} of {explored:,} others checked by chance were claims, for about {missed:,.0f} missed"
)
NOTHING_FIRED = "No message that fired was checked yet."
NOTHING_FOUND = "Too little was checked to tell: {explored:,} messages by chance, {misses:,} of them claims."
LIVE = "What was learned here is in use."
SHIPPED = "The filter is as shipped: what was learned here is not surely better yet."
OFF = "This server does not learn: `claims_learn` is off."
NOT_A_THRESHOLD = "'{word}' is no threshold: say `standard`, `thorough`, or a score from {low} to {high}."
THRESHOLD = "The claim filter fires at **{value}** now."
RESET = "{count:,} lessons are forgotten; the filter is as shipped."


def precision(worth: Worth) -> str:
    """Return how much of what fires is a claim."""
    if worth.precision is None:
        return NOTHING_FIRED
    return OF_FIRED.format(share=_share(worth.precision), hits=worth.tally.hits, fired=worth.tally.fired)


def recall(worth: Worth) -> str:
    """Return how many of the claims fire."""
    tally = worth.tally
    if worth.recall is None:
        return NOTHING_FOUND.format(explored=tally.explored, misses=tally.misses)
    return OF_EXPLORED.format(
        share=_share(worth.recall), misses=tally.misses, explored=tally.explored, missed=tally.missed
    )


def footer() -> str:
    """Return what the numbers speak of."""
    return FOOTER.format(confidence=CONFIDENCE)


def _share(estimate: Estimate) -> str:
    return SHARE.format(value=estimate.value, low=estimate.low, high=estimate.high)
