"""Special pages about people: seats, competences, awareness."""

from . import appointment as appointment
