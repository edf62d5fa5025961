"""Settings: one page a topic, every change an act with its author."""
