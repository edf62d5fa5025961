"""Service portfolio (8.2): which services there are, what they promise and what they stand on."""
