"""Django's SQLite backend, with writers in line and a history that can ask who is writing."""
