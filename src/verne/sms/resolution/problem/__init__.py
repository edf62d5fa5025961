"""Problem management (8.6.3): learn why incidents happen, and stop them coming back.

A problem is filed by hand, raised from an incident, or proposed by a trend analysis that finds
incidents which recur. A known error keeps what is understood of it and the workaround the service
desk can use meanwhile; a review says from time to time whether all this has an effect.
"""
