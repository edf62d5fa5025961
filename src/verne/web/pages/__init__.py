"""The few pages that no register can draw."""
