"""The health of a worker: for probes, for systemd, and for the operator who looks at it.

SWF never calls a worker, so from outside, a worker that has stopped polling looks like an idle one.
Its health is computed from its own records alone, without asking SWF: otherwise an outage of SWF
would make orchestrators restart the whole fleet.
"""

from .options import HealthOptions

__all__ = ["HealthOptions"]
