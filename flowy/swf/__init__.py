"""Everything that speaks to Amazon SWF."""
