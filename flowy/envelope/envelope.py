"""How the texts of one activity travel: through its codecs, and into its store if they are long."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from ..claims import Place, Store, check_store
from ..codecs import Codec, check_codecs
from ..exception import ClaimError, CodecError, TooLongError, UnavailableError
from ..reasons import REASON_HIDDEN, constant_of
from ..texts import cut_start, sendable
from .forms import claim_text, coded_text, escaped, is_envelope
from .opening import Opening, most_bytes

#: The most characters of an input, a result, and the details of a failure or cancellation.
MAX_CHARS = 32_768

#: How often a text is cut again, at most, until its envelope is short enough.
_MAX_CUTS = 12

#: A text of unknown growth is first cut to this part of what seems to fit.
_MARGIN = 0.97


@dataclass(frozen=True)
class Envelope:
    """How texts become envelopes, and envelopes texts.

    Attributes:
        codecs: encode each value, in this order.
        claims: stores what is too long for SWF; None stores nothing.
        hide_reasons: whether the reasons of failures are sent as details, which are encrypted.
        require_encryption: whether an input that is not encrypted is refused.

    Raises:
        ValueError: something is neither a codec nor a store.
    """

    codecs: tuple[Codec, ...] = ()
    claims: Store | None = None
    hide_reasons: bool = False
    require_encryption: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "codecs", check_codecs(self.codecs))
        check_store(self.claims)

    @property
    def encrypts(self) -> bool:
        """Whether one of the codecs encrypts."""
        return any(codec.encrypts for codec in self.codecs)

    def check(self) -> None:
        """Check that what must be encrypted can be.

        Raises:
            ValueError: a codec that encrypts is needed, and none is given.
        """
        for name in ("hide_reasons", "require_encryption"):
            if getattr(self, name) and not self.encrypts:
                raise ValueError(
                    f"Cannot use {name} without a codec that encrypts: give one, such as "
                    "codecs=[FernetCodec(keys)]."
                )

    def filled_from(self, others: Envelope) -> Envelope:
        """Return this envelope, with the parts of *others* that it has none of."""
        return replace(
            self,
            codecs=self.codecs or others.codecs,
            claims=self.claims or others.claims,
            hide_reasons=self.hide_reasons or others.hide_reasons,
            require_encryption=self.require_encryption or others.require_encryption,
        )

    # Values

    def opened(self, text: str) -> str:
        """Return JSON text with the values of its envelopes in their places.

        Raises:
            InputError: something that must be encrypted is not, something is not an envelope, or
                there are too many.
            CodecError: a value cannot be decoded.
            ClaimError: a claim is refused.
            UnavailableError: a key service or the store does not answer at the moment.
        """
        return Opening(self.codecs, self.claims, require=self.require_encryption).opened(text)

    def sealed(
        self, text: str, what: str = "result", *, place: Place | None = None, limit: int = MAX_CHARS
    ) -> str:
        """Return what is sent for the wire text of a value: itself, or an envelope.

        Args:
            text: the wire text.
            what: what it is, for errors.
            place: the task; None if it is not known.
            limit: the most characters that may be sent.

        Raises:
            TooLongError: it is too long, and cannot be stored; the text says why.
            CodecError: it cannot be encoded.
            UnavailableError: a key service or the store does not answer at the moment.
        """
        text = sendable(text)
        most = most_bytes(self.claims)
        # A character has at most 4 bytes, so short texts need not be encoded for this.
        if len(text) * 4 > most and len(text.encode("utf-8")) > most:
            said = f"the {what} has {len(text):,} characters, its readers take {most:,} bytes."
            raise TooLongError(said, length=len(text), limit=most)
        sent = self._encoded(text)
        if len(sent) <= limit:
            return sent
        grown = f" ({len(sent):,} when encoded)" if self.codecs else ""
        said = f"the {what} has {len(text):,} characters{grown}, SWF takes {limit:,}"
        if self.claims is None:
            raise TooLongError(
                f"{said}. Give a store: claims = S3Store(...).", length=len(sent), limit=limit
            )
        try:
            claim = self.claims.keep(place or Place(), sent.encode("utf-8"))
        except ClaimError as error:
            text = f"{said}, and it cannot be stored: {error}"
            raise TooLongError(text, length=len(sent), limit=limit) from None
        return claim_text(claim)

    def _encoded(self, text: str) -> str:
        chain, data = self._through_codecs(text)
        if chain:
            sent = coded_text(chain, data)
            if self.encrypts or len(sent) < len(text):
                return sent
        return escaped(text)

    def _through_codecs(self, text: str) -> tuple[list[str], bytes]:
        data, chain = text.encode("utf-8"), []
        for codec in self.codecs:
            try:
                coded = codec.encode(data)
            except (CodecError, UnavailableError):
                raise
            except Exception as error:
                raise CodecError(
                    f"{codec.name} cannot encode it ({type(error).__name__})."
                ) from None
            if codec.encrypts or len(coded) < len(data):
                data = coded
                chain.append(codec.name if codec.key_id is None else f"{codec.name}:{codec.key_id}")
        return chain, data

    # Texts for people

    def sealed_details(
        self, text: str, limit: int = MAX_CHARS, cut: Callable[[str, int], str] = cut_start
    ) -> str:
        """Return what is sent for details, cut so that their envelope has *limit* characters.

        Details are encoded only if a codec encrypts: they are for people.

        Raises:
            CodecError: they cannot be encrypted.
            UnavailableError: they cannot be encrypted at the moment.
        """
        if not self.encrypts:
            return text
        text = sendable(text)
        shown, length = text, len(text)
        for _ in range(_MAX_CUTS):
            sent = self._encoded(shown)
            if len(sent) <= limit:
                return sent
            # In proportion first; then less, if what is left compresses less well.
            length = min(int(length * limit / len(sent) * _MARGIN), length - 16)
            if length < 8:
                break
            shown = cut(text, length)
        return self._encoded("")

    def opened_details(self, text: str) -> str:
        """Return details as they were before ``sealed_details``; they need not be encrypted.

        Raises:
            InputError: they are not an envelope that this Flowy has written.
            CodecError, ClaimError: they cannot be decoded.
            UnavailableError: a key service or the store does not answer at the moment.
        """
        return replace(self, require_encryption=False).opened(text) if is_envelope(text) else text

    def shown_reason(self, reason: str, kind: str) -> str:
        """Return what is sent as reason of a failure: the reason, or what may be told of it.

        Args:
            reason: why.
            kind: the class of the exception, which is told even if the reason is hidden.
        """
        if not self.hide_reasons:
            return reason
        own = constant_of(reason)
        return f"{own}: hidden." if own else f"{REASON_HIDDEN}{kind}."

    def sealed_failure(self, reason: str, details: str | None, kind: str) -> tuple[str, str | None]:
        """Return what is sent as reason and details of a failure.

        Args:
            reason: why. If it is hidden, it ends the details, its second and later lines indented.
            details: more, such as a traceback, or None.
            kind: as for ``shown_reason``.

        Raises:
            CodecError: the details cannot be encrypted.
            UnavailableError: they cannot be encrypted at the moment.
        """
        if self.hide_reasons:
            # No line of it, which may come from an input, may look like one of the details'.
            indented = reason.replace("\n", "\n  ")
            details = f"{details or ''}\nReason: {indented}".lstrip("\n")
        sent = None if details is None else self.sealed_details(details)
        return self.shown_reason(reason, kind), sent

    def sealed_note(self, text: str) -> str:
        """Return what is kept for the JSON text of a suspended task's note."""
        return self._encoded(text) if self.encrypts else text

    # As ``flowy.invocation.Sealing``, for activities that run without a worker: nothing waits.

    def has_sealed(self, text: str) -> bool:
        """Return True: whoever runs without a worker has a scheduler of their own."""
        return True

    def pause_after(self, error: UnavailableError) -> None:
        """Give up at once."""

    def waiting(self) -> AbstractContextManager[None]:
        """Return a context manager that does nothing."""
        return contextlib.nullcontext()

    def pause(self, seconds: float) -> None:
        """Do nothing."""
