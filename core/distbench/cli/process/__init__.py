"""A command as a process: how it reads its words, heeds signals and ends."""
