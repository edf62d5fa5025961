"""Roles, responsibilities and authorities (5.3), and the access that comes with them (7.5.3).

A role is described once: what it answers for, what it may decide, how many people must hold it,
and which other roles the same person should not hold beside it. An appointment gives it to a
person from a day to a day. Rights follow from appointments and from nothing else; a deputy has them
while standing in.
"""
