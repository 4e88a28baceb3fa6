"""Tools for those who write a plugin: a template, a check, leaks found, and swaps on save."""
