"""An SWF on this machine, for laptops and tests.

Amazon offers no SWF to run at home, and moto's server, the nearest thing to one, has
no long poll, answers HTTP 500 where SWF says UnknownResourceFault, and shares one
global state.  :class:`LocalSWF` takes moto's model of SWF (domains, types, histories,
decisions), completes it where it is silent, and serves it over real HTTP on a loopback
port, so that an unchanged boto3 program runs against it.

It is an emulator, never an engine to deploy: nothing in it was built to be shared.
"""

from flowy.local.clock import Clock
from flowy.local.faults import Fault, Faults
from flowy.local.quotas import Quotas
from flowy.local.server import LocalSWF

__all__ = ["Clock", "Fault", "Faults", "LocalSWF", "Quotas"]
