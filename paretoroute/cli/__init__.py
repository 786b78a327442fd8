"""The command line, one file per kind of command: parse options, call the library, print. Nothing else prints."""
