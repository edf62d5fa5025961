"""What `verne manage` does otherwise than Django."""
