"""Nonconformity and corrective action (10.1): put it right, find its cause, show that it is gone.

A nonconformity can be raised from any record, check or finding. It is corrected first, then its
consequences, extent and cause are worked out; what shows success is written down before the work
begins; and somebody who had no part in the work looks, after a while, whether it helped. If it
did not, everything from the cause on is done again.
"""
