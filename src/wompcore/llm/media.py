"""What models do beside talking: texts to vectors, speech to text."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from wompcore.usage import Usage


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors of texts.

    Args:
        vectors: One per text, in order, 32-bit floats, all of one length.
        usage: Reported, or estimated and marked so.
        model: The model that answered; empty when it did not say.
    """

    vectors: tuple[array[float], ...] = field(repr=False)
    usage: Usage
    model: str


@dataclass(frozen=True, slots=True)
class Audio:
    """Recorded speech.

    Args:
        data: The file's bytes: Ogg, MP3, WAV, WebM and so on.
        name: A file name; its ending tells the format.
    """

    data: bytes = field(repr=False)
    name: str = "voice.ogg"


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said.

    Args:
        text: The words.
        usage: Tokens, from models that count them, and seconds; estimated and marked so otherwise.
        model: The model that answered; empty when it did not say.
        audio_s: Length of the audio, seconds, as the provider measured it for its bill; ``None`` when
            it did not say.
    """

    text: str
    usage: Usage
    model: str
    audio_s: float | None = None

    def or_lasting(self, seconds: float) -> Transcript:
        """Return it with an estimate of its length to charge, if neither length nor tokens were told."""
        if self.audio_s is not None or not self.usage.estimated:
            return self
        return replace(self, usage=replace(self.usage, audio_s=seconds))


class MediaProvider(Protocol):
    """A way to reach models for vectors and for speech. It sends once, as a chat provider does."""

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        ...

    @property
    def address(self) -> str:
        """Where requests go: with the model, what has a breaker, and by itself, what has a queue."""
        ...

    def encode_texts(self, texts: Sequence[str], model: str, *, dimensions: int | None = None) -> bytes:
        """Return the request for the vectors of some texts.

        Args:
            texts: At least one; how many fit into a request is the provider's to say.
            model: The model to ask.
            dimensions: Length of the vectors, from models that let one choose.
        """
        ...

    async def embed(self, body: bytes) -> Embeddings:
        """Send what :meth:`encode_texts` made.

        Raises:
            ModelError: There was no answer; the leaf says why.
        """
        ...

    def encode_audio(self, audio: Audio, model: str, *, language: str = "") -> bytes:
        """Return the request for the words of a recording.

        Args:
            audio: The recording.
            model: The model to ask.
            language: Spoken language, ISO 639-1; left to the model when empty.
        """
        ...

    async def transcribe(self, body: bytes) -> Transcript:
        """Send what :meth:`encode_audio` made.

        Raises:
            ModelError: There was no answer; the leaf says why.
        """
        ...
