"""The owner's socket: what the command line asks of a bot that runs on this machine."""
