"""Looking after suspended tasks: the keeper and its parts."""

from __future__ import annotations

from .keeper import Keeper

__all__ = ["Keeper"]
