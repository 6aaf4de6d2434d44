"""What the page says of a result, from its record; no MXNet."""

from gluon_style.errors import GluonStyleError
from gluon_style.report.curves import LOSSES, loss_curves
from gluon_style.report.markup import Html, fill, join, pairs


def check_record(result):
    """Raise ValueError where a record lacks what the page says of it."""
    record = result.record
    try:
        pairs({**facts_of(result), **hashes_of(record), **settings_of(record)})
        losses_of(record['losses'])
        curves_of(result.history)
        for role in ('content', 'style'):
            for name in ('sha256', 'file'):
                if not isinstance(record[role][name], (str, type(None))):
                    raise TypeError(f'the {name} of {role} is no text')
            bytes.fromhex(record[role]['sha256'] or '')
    except (
        AttributeError,
        KeyError,
        OverflowError,
        TypeError,
        ValueError,
    ) as error:
        raise GluonStyleError(
            'its record is not one of this package '
            f'({type(error).__name__}: {error}): make the picture anew'
        ) from None


def losses_of(losses):
    """Return a picture's losses as entries of a description list."""
    labels = {**LOSSES, 'total': 'total'}
    return join(
        f'<div class="{name}"><dt>{label}</dt>'
        f'<dd>{loss_text(losses[name])}</dd></div>'
        for name, label in labels.items()
    )


def loss_text(value):
    """Return a loss as a reader compares it."""
    return f'{value:.2f}' if value < 1e5 else f'{value:.3g}'


def curves_of(history):
    """Return the curves of the losses, or a sentence that says why not."""
    if not history:
        return Html('<p class="soft">The record has no epochs.</p>')
    return Html(loss_curves(history))


def facts_of(result):
    """Return what a reader asks first, by name."""
    record, history = result.record, result.history
    settings, weights = record['settings'], record['weights']
    seconds = history[-1]['seconds'] if history else 0
    time = f'{seconds:.1f} s' if seconds < 60 else f'{seconds / 60:.1f} min'
    return {
        'Picture': f'{by((record["width"], record["height"]))} pixels',
        'Epochs': _epochs(history, settings['epochs']),
        'Time': time,
        'Weights': fill(
            '$source <code>$hash</code>',
            source=weights['source'],
            hash=(weights['sha256'] or '')[:12],
        ),
        'Device': f'{record["device"]}, threads: {_value(record["threads"])}',
        'Versions': ', '.join(
            f'{name} {version}' for name, version in record['versions'].items()
        ),
    }


def _epochs(history, asked):
    coarse = sum(e['scale'] != history[-1]['scale'] for e in history)
    more = f', and {coarse} at coarser scales' if coarse else ''
    return f'{len(history) - coarse} of {asked}{more}'


def hashes_of(record):
    """Return the hashes of the pictures and the weights, by name."""
    code = '<code>$hash</code>'
    files = {role: record[role] for role in ('content', 'style', 'weights')}
    return {
        f'hash of {role}': fill(code, hash=file['sha256'] or 'none')
        for role, file in {**files, **record.get('others', {})}.items()
    }


def roles_of(record):
    """Return which of the content and the style picture a run had."""
    return [role for role in ('content', 'style') if record[role]['sha256']]


def settings_of(record, names=None):
    """Return settings, all or those of some names, as text by name."""
    settings = record['settings']
    return {
        words(name): _value(settings[name])
        for name in (settings if names is None else names)
        if name in settings
    }


def _value(value):
    if value is None:
        return 'none'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, dict):
        return ', '.join(f'{words(k)} {_value(v)}' for k, v in value.items())
    if isinstance(value, (list, tuple)):
        numbers = all(isinstance(each, int) for each in value)
        return by(value) if numbers else ', '.join(map(str, value))
    return f'{value:g}' if isinstance(value, float) else str(value)


def words(name):
    """Return a setting's name as a reader writes it."""
    return name.replace('_', ' ')


def by(shape):
    """Return (width, height) as text."""
    return '\u00d7'.join(map(str, shape))
