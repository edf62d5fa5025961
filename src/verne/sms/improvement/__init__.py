"""Improvement (10): nonconformities that are shown to have been put right for good."""
