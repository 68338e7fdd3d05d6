"""Claim checks: what SWF does not take is stored elsewhere, and a claim goes in its place.

A worker without a store imports none of this.
"""

from __future__ import annotations

from .claim import Claim, Place
from .folder import FolderStore
from .naming import store_at
from .s3 import S3Store
from .store import Store, check_store

__all__ = ["Claim", "FolderStore", "Place", "S3Store", "Store", "check_store", "store_at"]
