"""Intake of event logs: the incidents of another tool, with each update as history at its time.

`mapping` says how the columns and words of a log become ours, `log` reads rows and groups them by
incident, `people` finds or makes whoever is named, `story` turns the rows of one incident into a
record with its past, and `taking` writes it all through the bulk path. What cannot be taken as it
is goes into a report; nothing is dropped without a line.
"""
