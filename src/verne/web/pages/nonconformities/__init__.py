"""What nonconformities show beside their fields, the editor of causes, and the measures."""
