"""Files: whole or not at all, ours or another's. No MXNet, no NumPy."""
