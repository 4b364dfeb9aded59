"""Printing (being written)."""
def tensor_str(tensor): return f"tensor({tensor._array})"
