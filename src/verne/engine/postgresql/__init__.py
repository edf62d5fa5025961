"""What Verne adds to PostgreSQL."""
