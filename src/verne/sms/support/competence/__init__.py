"""Competence (7.2): what people must be able to do, whether they are, and what is done where not.

A competence is needed by roles at a level, and held by people at a level, with evidence, by the
judgement of somebody else, until a day. Where what is held falls short of what is needed there is a
gap, and an action, and in the end an answer to whether the action worked.
"""
