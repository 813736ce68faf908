"""The command: arguments, commands, exit codes, signals, and what the terminal shows."""
