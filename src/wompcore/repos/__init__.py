"""One repository per aggregate, its SQL beside it."""
