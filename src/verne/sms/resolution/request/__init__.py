"""Service request management (8.6.2): give people what has been offered, the way it was agreed.

A request model says once how a thing is fulfilled: instructions, questions, approvals, priority.
A service request follows its model from recording to closure; what turns out to be an incident is
raised as one from the request, with the link kept.
"""
