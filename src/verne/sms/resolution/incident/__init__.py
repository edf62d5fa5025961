"""Incident management (8.6.1): restore the service, and keep those concerned informed.

An incident is recorded, classified, prioritized, worked on, resolved and closed; the first steps
are made by themselves once the form says enough. Waiting needs a reason and a date, and stops the
clock only where the agreement says so. A major incident is a record of its own beside its
incident, with a manager, notices to top management, and a review.
"""
