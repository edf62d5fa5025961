"""Roles, responsibilities and authorities (5.3), and the access that comes with them (7.5.3).

Roles and their assignments are kept by the engine, which grants rights by them; this process says
what they prove.
"""
