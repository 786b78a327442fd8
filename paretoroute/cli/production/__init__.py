"""Commands that take a policy into production: export, and those of services."""
