"""Approvals: a web app in which people finish suspended activities."""
