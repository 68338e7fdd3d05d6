"""Envelopes: what stands on the wire for a value that is encoded, or stored elsewhere.

Each is a JSON object with the key ``$flowy``. So a decider that knows nothing of it carries it from
one activity's result into the arguments of another. A worker with neither codecs nor claims imports
none of this.
"""

from __future__ import annotations

from .envelope import Envelope
from .forms import check_not_cut, claims_in, is_envelope_value

__all__ = ["Envelope", "check_not_cut", "claims_in", "is_envelope_value"]
