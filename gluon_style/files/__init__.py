"""Write files whole or not at all, and tell this package's files from others.

``atomic`` writes, ``ours`` recognizes, ``reading`` hashes and reads JSON, and
``archive`` reads zip and tar. This room needs neither MXNet nor NumPy.
"""
