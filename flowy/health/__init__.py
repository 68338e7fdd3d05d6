"""The health of a worker: for probes, for systemd, and for the operator who looks at it.

SWF never calls a worker, so nobody notices one that has stopped polling: an idle worker and a hung
one look alike from outside. What is served here comes from the worker's own records alone. It never
asks SWF: a probe that did would restart a whole fleet when SWF is out of reach.
"""

from .options import HealthOptions

__all__ = ["HealthOptions"]
