"""Everything that depends on Amazon SWF."""
