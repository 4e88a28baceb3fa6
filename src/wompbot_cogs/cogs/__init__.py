"""The built-in cogs, one folder each, loaded through the same entry points as anyone's."""
