"""Every error this library raises on purpose.

A leaf's docstring is its default message; what an operator can do about it stands in ``hint``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from wompcore.usage import Usage


class WompError(Exception):
    """Something went wrong.

    Args:
        message: One line for the operator; the class's docstring when left out.
        hint: What to do about it; the class's own hint when left out.
    """

    hint: str = ""

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        doc = (type(self).__doc__ or "").strip().split("\n", 1)[0]
        super().__init__(message or doc)
        if hint is not None:
            self.hint = hint

    @property
    def message(self) -> str:
        """The one-line message."""
        return str(self.args[0])


# -- settings ------------------------------------------------------------------------------------


class ConfigInvalid(WompError):
    """A setting is unknown or has a value that cannot be used."""

    def __init__(self, key: str, problem: str, *, hint: str | None = None) -> None:
        super().__init__(f"{key}: {problem}", hint=hint)
        self.key = key
        self.problem = problem


class ExtraMissing(WompError):
    """An optional part of the product is not installed."""

    def __init__(self, extra: str, needed_for: str) -> None:
        super().__init__(f"{needed_for} needs the extra '{extra}'", hint=f"pip install 'wompcore[{extra}]'")
        self.extra = extra


# -- database ------------------------------------------------------------------------------------


class DatabaseError(WompError):
    """The database refused or failed."""


class DatabaseUnavailable(DatabaseError):
    """The database cannot be reached."""

    hint = "Check database.url and that the server runs; `wompbot doctor` tests it."


class DataFolderUnusable(DatabaseUnavailable):
    """The folder of the embedded server cannot be used.

    Args:
        folder: The folder.
        problem: What the system says.
    """

    hint = "Set database.data_dir to a folder you own, or database.url to a server."

    def __init__(self, folder: str, problem: str) -> None:
        super().__init__(f"the embedded server cannot use {folder}: {problem}")
        self.folder = folder
        self.problem = problem


class DatabaseTooOld(DatabaseError):
    """The database server is older than this version supports."""

    hint = "Use PostgreSQL 15 or newer, or leave database.url empty to use the embedded server."


class DatabaseReadOnly(DatabaseError):
    """The database accepts no writes."""

    hint = "Point database.url at the primary server, not at a replica."


class PoolExhausted(DatabaseError):
    """No database connection became free in time."""

    hint = "Raise database.pool_max, or look for a slow statement with `wompbot doctor`."


class RowsRefused(DatabaseError):
    """The database refused the data of at least one row."""


class StatementTimedOut(DatabaseError):
    """A statement ran longer than it may."""

    hint = "Look for what makes it slow, or raise database.statement_timeout_s."


class MigrationChanged(DatabaseError):
    """A migration that was already applied has been edited since."""

    hint = "Restore the migration file as it was applied and put the change into a new one."


class DatabaseNotEmpty(DatabaseError):
    """The database already holds something."""

    hint = "Restore into an empty database, or say that what is there may be replaced."


class BackupFailed(DatabaseError):
    """A backup could not be written or read."""


# -- the model -----------------------------------------------------------------------------------


class ModelError(WompError):
    """A call to the model failed.

    Args:
        message: One line for the operator.
        status: The HTTP status, when there was an answer.
        retryable: Whether the same request may succeed later.
        retry_after_s: Seconds the provider asked to wait.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int | None = None,
        retryable: bool = False,
        retry_after_s: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.attempts = 0
        """Attempts made before giving up; set by the retry loop."""
        self.usage: Usage | None = None
        """What was paid for nonetheless, when the provider told."""


class ModelUnauthorized(ModelError):
    """The model endpoint refused the key."""

    hint = "Check llm.api_key (WOMPBOT_LLM__API_KEY) and that the account has credit."


class ModelRateLimited(ModelError):
    """The model endpoint is rate limiting us."""

    hint = "Wait, raise the limit at the provider, or set llm.fallback_model."


class ModelUnavailable(ModelError):
    """The model endpoint does not answer."""

    hint = "Check llm.base_url and that the endpoint runs; `wompbot doctor` tests it."


class ModelAnswerInvalid(ModelError):
    """The model endpoint answered with something that is not a completion."""

    hint = "llm.base_url must be an OpenAI-compatible API root, usually ending in /v1."


class StructuredAnswerInvalid(ModelAnswerInvalid):
    """The model's answer does not have the shape that was asked for, even when told so.

    Args:
        model: Who answered.
        problems: What is wrong, without quoting the answer.
        finish_reason: Why the answer ended; ``length`` says that it was cut.
    """

    hint = "Raise max_tokens if the answer was cut, ask for a simpler shape, or choose another model."

    def __init__(self, model: str, problems: str, finish_reason: str) -> None:
        super().__init__(f"{model} ended its answer with '{finish_reason}' and missed the shape: {problems}")
        self.model = model
        self.problems = problems
        self.finish_reason = finish_reason


class ModelRequestRefused(ModelError):
    """The model endpoint refused the request."""

    hint = "Check that llm.model names a model of the endpoint and that the request fits its context."


class ContextTooLong(ModelRequestRefused):
    """The request is longer than the model can read."""

    hint = "Send less, or set llm.model to one with a longer context."


class StreamBroken(ModelError):
    """An answer broke off after its beginning was shown.

    Args:
        message: One line for the operator.
        text: The part that arrived.
        usage: What it used so far, as reported or as estimated and marked so.
        retryable: Whether the same request may succeed later.
    """

    hint = "Ask again: an answer that was partly shown is not restarted by itself."

    def __init__(self, message: str, *, text: str, usage: Usage, retryable: bool = False) -> None:
        super().__init__(message, retryable=retryable)
        self.text = text
        self.usage = usage


class ModelBusy(ModelError):
    """Too many calls to the model are waiting already."""

    hint = "Wait, or raise llm.concurrency if the endpoint can take more calls at once."


class BreakerOpen(ModelError):
    """The model endpoint failed repeatedly and is being left alone for a while."""

    hint = "It is tried again by itself; `wompbot doctor` tells what is wrong with the endpoint."


# -- tools ---------------------------------------------------------------------------------------


class ToolInvalid(WompError):
    """This function cannot be offered to a model as a tool."""

    def __init__(self, tool: str, problem: str) -> None:
        super().__init__(f"{tool}: {problem}")
        self.tool = tool
        self.problem = problem


class ToolArgumentsInvalid(WompError):
    """The arguments a model wrote do not fit the tool."""


class ToolFailed(WompError):
    """A tool could not do its work; its message is shown to the model."""


# -- search --------------------------------------------------------------------------------------


class SearchFailed(WompError):
    """The search service gave no results that can be read."""

    hint = "Check the settings of [search], and that the service runs and takes the key."


# -- money ---------------------------------------------------------------------------------------


class UnknownPrice(WompError):
    """No price is known for this model."""

    hint = "Set costs.prices for the model, or costs.default_price for every unknown one."

    def __init__(self, model: str, provider: str) -> None:
        super().__init__(f"no price is known for the model '{model}' of {provider}")
        self.model = model
        self.provider = provider


class BudgetExceeded(WompError):
    """A budget does not allow this call.

    Args:
        scope: What the budget is for: ``all``, ``guild``, ``channel``, ``person``, ``plugin``, ``purpose``
            or ``model``.
        key: Which one: an id or a name, empty for everything.
        period: The budget's window: ``hour``, ``day``, ``month`` or ``total``.
        unit: ``usd`` or ``tokens``, the unit of the next three.
        limit: What may be spent in the budget's window.
        spent: What is spent in it, calls in progress included.
        needed: What the call could come to.
        resets_at: When there is room again; ``None`` when waiting does not help.
        barred: Whether a call that cost more than it was allowed has closed the budget.
    """

    hint = "Wait until the budget's window resets, or have the owner raise or remove the budget."

    def __init__(
        self,
        scope: str,
        key: str,
        *,
        period: str,
        unit: str,
        limit: Decimal,
        spent: Decimal,
        needed: Decimal,
        resets_at: datetime | None,
        barred: bool = False,
    ) -> None:
        of = f"{scope} {key}" if key else "everything"
        state = "closed after a call above its reservation" if barred else f"{spent} of {limit} {unit} spent"
        super().__init__(f"the budget for {of} does not allow this call: {state}, {needed} needed")
        self.scope = scope
        self.key = key
        self.period = period
        self.unit = unit
        self.limit = limit
        self.spent = spent
        self.needed = needed
        self.resets_at = resets_at
        self.barred = barred


class BudgetInvalid(WompError):
    """Such a budget cannot be set."""


class MonthInvalid(WompError):
    """That is no month of the ledger."""

    hint = "A month is written like 2026-11."


class TotalsWrong(WompError):
    """Running totals are not the sums of their entries."""

    hint = "`rebuild_totals` sums them anew."


# -- limits --------------------------------------------------------------------------------------


class LimitReached(WompError):
    """A limit was reached.

    Args:
        message: One line.
        retry_after_s: Seconds until another try can succeed, when known.
    """

    def __init__(self, message: str | None = None, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SlotsBusy(LimitReached):
    """Every place in this channel is taken."""


class CoolingDown(LimitReached):
    """Too soon after the last time."""


# -- claims --------------------------------------------------------------------------------------


class ScreenModelInvalid(WompError):
    """The weights of the claim screen cannot be used."""

    hint = "The file comes with the package: install it again, or train it (python -m wompcore.claims.train)."

    def __init__(self, problem: str) -> None:
        super().__init__(f"the weights of the claim screen: {problem}")
        self.problem = problem


class TrainingTextInvalid(WompError):
    """A set of labelled text cannot be read."""

    hint = "The folder has to hold every set that the model card names, a JSON Lines file each."

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class ClaimUnknown(WompError):
    """There is no such claim here."""

    hint = "`!receipts` shows the number of each claim."


class HotTakeUnknown(WompError):
    """There is no such hot take here."""

    hint = "`!hottakes` shows the number of each hot take."


class QuoteRefused(WompError):
    """This message cannot be quoted.

    Args:
        message: Why, for the person who asked.
    """


class RulingRefused(WompError):
    """Nobody rules on a claim of their own."""

    hint = "Another administrator can."


# -- privacy -------------------------------------------------------------------------------------


class ErasureIncomplete(WompError):
    """Some of what is kept about a person could not be erased.

    Args:
        places: Where it is, ``schema.table.column``.
    """

    hint = "It is tried again by itself; the log says what keeps it."

    def __init__(self, places: tuple[str, ...]) -> None:
        super().__init__(f"not erased in {', '.join(places)}")
        self.places = places


# -- the outside ---------------------------------------------------------------------------------


class DeliveryRefused(WompError):
    """This message cannot be delivered, now or later."""


class AddressRefused(WompError):
    """This address may not be contacted."""


class TransportFailed(WompError):
    """An HTTP exchange failed before it was complete.

    Args:
        origin: Scheme, host and port that were contacted; never a path, which may hold secrets.
        problem: What happened, in a few words.
        retryable: Whether the same request may succeed later.
    """

    def __init__(self, origin: str, problem: str, *, retryable: bool = True) -> None:
        super().__init__(f"{origin}: {problem}")
        self.origin = origin
        self.problem = problem
        self.retryable = retryable


class AnswerTooLarge(TransportFailed):
    """The body of an HTTP answer is larger than allowed."""

    def __init__(self, origin: str, max_bytes: int) -> None:
        super().__init__(origin, f"the answer is larger than {max_bytes:,} bytes", retryable=False)
        self.max_bytes = max_bytes


class PortTaken(WompError):
    """A server cannot listen there."""

    hint = "Choose another port, or 0 for any free one."

    def __init__(self, host: str, port: int, problem: str) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {problem}")
        self.host = host
        self.port = port


class LogLineInvalid(WompError):
    """A line of a chat log cannot be read."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


class LogUnreadable(WompError):
    """A chat log cannot be opened or read on."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class LogSourcesFull(WompError):
    """Every number that tells chat logs apart is taken in this database."""

    hint = "Read further logs into another database (--data or database.url)."


class NotOpen(WompError):
    """This service is used before it was opened or after it was closed."""
