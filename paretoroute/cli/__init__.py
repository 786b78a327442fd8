"""The command line: one file per kind of command, which parses options, calls the library and prints. Nothing else prints."""
