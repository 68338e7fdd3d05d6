"""How likely faults are in the tests in which any call may fail."""

from __future__ import annotations

from tests.faults.plan import Fault

#: A tenth of each: of ten calls, six meet a fault.
A_TENTH_OF_EACH = {
    Fault.THROTTLE: 0.1,
    Fault.ERROR: 0.1,
    Fault.BREAK_BEFORE: 0.1,
    Fault.BREAK_AFTER: 0.1,
    Fault.DELAY: 0.1,
    Fault.RUBBISH: 0.1,
}
#: After these a client cannot tell whether its call was carried out.
IN_THE_DARK = (Fault.BREAK_BEFORE, Fault.BREAK_AFTER, Fault.RUBBISH)
