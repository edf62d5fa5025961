"""Missed targets (8.3.3): a service level that was not reached asks somebody what follows.

When a window ends below its goal, a missed target is filed by itself and given to whoever owns the
service. It is answered by a problem, by a nonconformity raised from it, or by a reason why nothing
follows; until then it stands among the owner's work, with a day by which it should be answered.
"""
