"""Converters: wire values become values of the types that ``run`` is annotated with, and back.

A wire value is what JSON can say. A converter is opt in: ``Activity.converter`` or the decorator's
``converter``. Those that come with Flowy are in ``flowy.convert.msgspec`` and
``flowy.convert.pydantic``, each with an extra of the same name; a worker without one imports none
of this.
"""

from __future__ import annotations

from .conversion import Conversion
from .converter import Converter
from .run_types import RunTypes

__all__ = ["Conversion", "Converter", "RunTypes"]
