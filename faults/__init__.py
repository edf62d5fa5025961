"""What becomes of acknowledged work when machines fail: `./verne faults`."""
