"""Parcels that are weighed, packed, tracked and released: activities, and how they are tested."""
