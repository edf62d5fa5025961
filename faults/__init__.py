"""What happens to acknowledged work when processes, disks, clocks and networks fail: `./verne faults`."""
