"""Print the operations a second of large matrix products, as JSON by type.

They are the most that this machine's processors do; convolutions by oneDNN
can come near. PyTorch's library for them is oneDNN, too.
"""

import json
import os
import time

import torch

SIDE, SECONDS = 2048, 3


def rate(dtype):
    """Return the best of the products of a few seconds."""
    left = torch.randn(SIDE, SIDE).to(dtype)
    right = torch.randn(SIDE, SIDE).to(dtype)
    best, ends = 0, time.perf_counter() + SECONDS
    while (began := time.perf_counter()) < ends:
        left @ right
        best = max(best, 2 * SIDE**3 / (time.perf_counter() - began))
    return best


torch.set_num_threads(len(os.sched_getaffinity(0)))
kinds = {'float32': torch.float32, 'bfloat16': torch.bfloat16}
print(json.dumps({name: rate(dtype) for name, dtype in kinds.items()}))
