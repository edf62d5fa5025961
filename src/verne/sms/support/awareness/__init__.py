"""Awareness (7.3): people know the policy, the objectives, their services, and why it matters.

A campaign tells an audience something and asks each of them to sign that they have understood it.
Who has not is named, person by person and team by team, and is reminded.
"""
