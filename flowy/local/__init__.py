"""An SWF on this machine, for laptops and tests.

Amazon offers no SWF to run locally. moto's server comes closest, but it lacks long polls, answers
HTTP 500 in place of UnknownResourceFault, and shares one global state. ``LocalSWF`` takes moto's
model of SWF (domains, types, histories, decisions), adds what is missing, and serves it over real
HTTP on a loopback port, so that an unchanged boto3 program runs against it.

It is an emulator for laptops and tests. Do not deploy it.
"""

from .clock import Clock
from .fault_injection import Fault, Faults
from .quotas import Quotas
from .server import LocalSWF

__all__ = ["Clock", "Fault", "Faults", "LocalSWF", "Quotas"]
