"""The management system, chapter by chapter, in the order of the standard."""
