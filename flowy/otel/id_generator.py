"""The generator of ids, for the SDK's ``TracerProvider``.

A trace is sampled by its id. If a run's spans got their trace id from an invented parent instead,
the samplers would ask the parent's flag, and keep all runs or none.
"""

from __future__ import annotations

from .trace_ids import run_id_here, trace_id_of

try:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
except ImportError as error:
    raise ImportError(
        "Cannot import flowy.otel.RunIdGenerator: opentelemetry-sdk is not installed. Install it.",
        name="opentelemetry.sdk",
    ) from error


class RunIdGenerator(RandomIdGenerator):
    """Makes one trace of each execution; outside activities, ids are random.

    Give it to ``TracerProvider(id_generator=RunIdGenerator())``, or set the environment variable
    ``OTEL_PYTHON_ID_GENERATOR`` to ``flowy``.
    """

    def generate_trace_id(self) -> int:
        """Return the trace id of the execution whose activity, or block, runs here."""
        run_id = run_id_here()
        return super().generate_trace_id() if run_id is None else trace_id_of(run_id)
