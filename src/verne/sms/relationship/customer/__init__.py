"""Business relationship management (8.3.2): whom we serve, who looks after them, and how we talk.

A customer stands for one organization of the engine. It becomes active only with a relationship
manager who works here and an arrangement for communicating. Complaints, reviews and satisfaction
are processes of their own.
"""
