"""The public names are imported when they are asked for, and are all there."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import flowy
import flowy.otel
import flowy.testing


@pytest.mark.parametrize("package", [flowy, flowy.otel, flowy.testing])
def test_all_names_are_there(package: ModuleType) -> None:
    """Each name of __all__ can be had, and dir() tells of it; another is an AttributeError."""
    for name in package.__all__:
        assert getattr(package, name) is not None
        assert name in dir(package)
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = package.no_such_name


def test_importing_flowy_imports_no_engine() -> None:
    """``import flowy`` alone loads nothing of SWF's side; ``from flowy import`` what it names."""
    program = (
        "import sys, flowy; assert 'flowy.swf' not in sys.modules\n"
        "from flowy import Activity; assert 'flowy.swf' not in sys.modules\n"
        "from flowy import activity; assert 'flowy.swf.scanner' in sys.modules\n"
        "from flowy import *; assert start_activity_worker\n"
        "assert not [name for name in sys.modules if name.startswith('flowy.transport.')\n"
        "            and name != 'flowy.transport.json']"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
