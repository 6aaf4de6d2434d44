"""What the command says while it works: progress, complaints."""

import sys

NOT_FINITE = 3


def complain(message):
    print(f'gluon-style: {message}', file=sys.stderr)


def sentence(error):
    """Return what an error means; those of this package are sentences."""
    if getattr(error, 'strerror', None) is None:
        return str(error)
    about = f' ({error.filename!r})' if error.filename else ''
    return f'cannot read or write{about}: {error.strerror}'


class Progress:
    """Show a run's progress, by pixels times epochs, and its losses."""

    def __init__(self, name='', quiet=False):
        self._name = name
        self._quiet = quiet

    def __enter__(self):
        from tqdm.auto import tqdm

        # The delay keeps an empty bar from standing before an error's
        # sentence.
        self._bar = tqdm(
            desc=self._name,
            disable=self._quiet,
            delay=1e-3,
            bar_format='{desc} {percentage:.0f}%|{bar}| '
            '{elapsed}<{remaining}{postfix}',
        )
        return self

    def __exit__(self, *error):
        self._bar.close()

    def planned(self, steps):
        """Take in the ((width, height), epochs) of each scale."""
        self._epochs = dict(steps)
        self._bar.total = sum(w * h * epochs for (w, h), epochs in steps)

    def __call__(self, history, X):
        scale = width, height = history[-1]['scale']
        before = done = 0
        for (w, h), epochs in self._epochs.items():
            if (w, h) == scale:
                break
            before, done = before + epochs, done + w * h * epochs
        epoch = history[-1]['epoch'] - before
        self._bar.set_description_str(
            f'{self._name} {width}x{height} {epoch}/{self._epochs[scale]}',
            refresh=False,
        )
        self._bar.set_postfix_str(
            'content {content:.2f}, style {style:.2f}, TV {tv:.2f}'.format(
                **history[-1]
            ),
            refresh=False,
        )
        self._bar.update(done + width * height * epoch - self._bar.n)


def watch(quiet):
    """Return what shows the progress of each run of several."""
    return lambda job: Progress(job.name, quiet)
