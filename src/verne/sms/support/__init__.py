"""Chapter 7: what supports the management system, its documented information first of all."""
