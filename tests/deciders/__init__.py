"""Deciders of the kinds from which people come: docs/migrating is run against them."""
