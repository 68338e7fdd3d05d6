"""The keeper of suspended tasks, and ``AsyncScheduler``, which ends them."""

from __future__ import annotations

from .keeper import Keeper

__all__ = ["Keeper"]
