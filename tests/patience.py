"""How long tests wait for what is due at once."""

from __future__ import annotations

#: The limit of a wait in tests, in seconds. Nothing takes near as long, except on a machine that
#: has much else to do; there a start of three processes does.
PATIENCE_SECONDS = 60.0
