"""A small code location for tests of the launcher with a real daemon and webserver."""
