"""Calls one activity without a workflow of the caller's own."""

from __future__ import annotations

from .call import call_activity, input_text, start_activity

__all__ = ["call_activity", "input_text", "start_activity"]
