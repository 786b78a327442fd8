"""What people type in the command line: its options, their completions, and queries in a file."""
