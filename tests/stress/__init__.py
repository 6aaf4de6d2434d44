"""Load and faults: what is lost when runs are many, or when things fail.

``make stress`` runs it; it prints a table of what was tried and lost.
"""
