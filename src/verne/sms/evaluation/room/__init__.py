"""The audit room: what an auditor from outside sees, for how long, and what they looked at.

A room names clauses, a period and an hour at which it closes. Its guests sign in and find those
obligations with their evidence, the records behind them, samples, and the documents in force; they
may draw samples, ask for evidence and note findings where the room allows it. Everything else is
not there for them, and every page they open is noted.
"""
