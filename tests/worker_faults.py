"""Faults that a test asks of a Dask worker, by variables of its environment.

A worker loads this file: ``dask worker --preload tests/worker_faults.py``.
"""

import os
import signal
import time
from pathlib import Path


def dask_setup(worker):
    """Put the faults in; Dask calls this."""
    from gluon_style.many import parcels, sent

    paint, is_intact = parcels.paint, sent._is_intact

    def painted(parcel):
        time.sleep(float(os.environ.get('FAULT_SECONDS', 0)))
        name = parcel.job.name if hasattr(parcel, 'job') else 'clip'
        if name == os.environ.get('FAULT_KILLS'):
            os.kill(os.getpid(), signal.SIGKILL)
        if 'FAULT_DISK' in os.environ:
            return parcels.Trouble('the disk is full')
        return paint(parcel)

    # A worker of another machine does not see the client's folders.
    hidden = os.environ.get('FAULT_HIDES')

    def is_intact_here(path, sha256):
        if hidden and Path(hidden) in path.parents:
            return False
        return is_intact(path, sha256)

    from gluon_style.methods import versions

    parcels.paint, sent._is_intact = painted, is_intact_here
    if version := os.environ.get('FAULT_VERSION'):
        versions.__version__ = version
