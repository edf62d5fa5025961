"""Special pages about people: seats, competences, awareness."""
