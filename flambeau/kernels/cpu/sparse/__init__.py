"""Sparse products with compiled loops."""
