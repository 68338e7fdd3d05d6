"""Calls one activity without a workflow of the caller's own."""

from __future__ import annotations

from .call import call_activity, call_with, start_with
from .planning import CallOptions, input_text

__all__ = ["CallOptions", "call_activity", "call_with", "input_text", "start_with"]
