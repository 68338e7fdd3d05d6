"""A copy of many files that goes on where the attempt before was killed."""
