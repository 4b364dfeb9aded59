"""Arithmetic on sparse arrays: indices of the elements that are kept, and their values."""
