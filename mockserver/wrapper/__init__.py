"""``mockserver run``: a server beside a command, and what is said of what the command sent."""
