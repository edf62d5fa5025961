"""Backups: everything a service keeps in one file, checked, and put back anywhere.

A backup is a tar archive that opens without Verne: the database, the files people attached, the
checkpoints of the seal, what it all is (`manifest.json`) and the hash of each part (`SHA256SUMS`).
Encrypted it is the same archive in the age format, which other programs open as well.
"""
