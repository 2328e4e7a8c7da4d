"""What file systems are like: disks, odd files, and who else is at work in a folder."""
