"""Read a pickle of plain containers without ever running it.

A pickle is a program, and Python's unpickler takes memory and calls functions
as it is told. This one knows dictionaries, lists, tuples, strings and
numbers, and the few names that its caller gives it; all else is refused.
"""

import collections
import pickletools

_CONSTANTS = {'NONE': None, 'NEWTRUE': True, 'NEWFALSE': False}
_EMPTY = {
    'EMPTY_DICT': dict,
    'EMPTY_LIST': list,
    'EMPTY_TUPLE': tuple,
}
_PUSHED = (
    'BINFLOAT',
    'BININT',
    'BININT1',
    'BININT2',
    'BINSTRING',
    'BINUNICODE',
    'LONG1',
    'SHORT_BINSTRING',
    'SHORT_BINUNICODE',
)
_TUPLES = {'TUPLE1': 1, 'TUPLE2': 2, 'TUPLE3': 3}
_STORED = ('BINPUT', 'LONG_BINPUT', 'MEMOIZE')
_FETCHED = ('BINGET', 'LONG_BINGET')


def read_pickle(file, names, persistent):
    """Return what the pickle at a file's position holds, and stop behind it.

    ``names`` maps 'module.name' to the value or the function that stands for
    it; ``persistent`` makes a value of a persistent id. Raises ValueError for
    a broken pickle and for one that asks for anything else.
    """
    return _Machine(names, persistent).run(file)


class _Machine:
    """The stack, the marks on it, and the values kept by number."""

    def __init__(self, names, persistent):
        self.names, self.persistent = names, persistent
        self.stack, self.marks, self.kept = [], [], {}

    def run(self, file):
        try:
            for opcode, argument, _ in pickletools.genops(file):
                if opcode.name == 'STOP':
                    return self.stack.pop()
                self._step(opcode.name, argument)
        except (IndexError, KeyError, TypeError) as error:
            raise ValueError(f'its pickle is broken ({error!r})') from error
        raise ValueError('its pickle is cut off')

    def _step(self, name, argument):
        if name in _PUSHED:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            self.stack.append(self._take(len(self.stack) - _TUPLES[name]))
        elif name in _STORED:
            at = len(self.kept) if argument is None else argument
            self.kept[at] = self.stack[-1]
        elif name in _FETCHED:
            self.stack.append(self.kept[argument])
        elif hasattr(self, f'_op_{name.lower()}'):
            getattr(self, f'_op_{name.lower()}')(argument)
        else:
            raise ValueError(
                f'its pickle has the operation {name}, which no dictionary '
                'of tensors needs'
            )

    def _take(self, at):
        """Remove and return what lies on the stack from ``at`` on."""
        if at < 0:
            raise IndexError('the stack is too short')
        taken = tuple(self.stack[at:])
        del self.stack[at:]
        return taken

    def _op_proto(self, version):
        pass

    def _op_frame(self, size):
        pass

    def _op_mark(self, _):
        self.marks.append(len(self.stack))

    def _op_tuple(self, _):
        self.stack.append(self._take(self.marks.pop()))

    def _op_append(self, _):
        self._extend(self._take(len(self.stack) - 1))

    def _op_appends(self, _):
        self._extend(self._take(self.marks.pop()))

    def _extend(self, items):
        if not isinstance(self.stack[-1], list):
            raise TypeError('items go into a list')
        self.stack[-1].extend(items)

    def _op_setitem(self, _):
        self._update(self._take(len(self.stack) - 2))

    def _op_setitems(self, _):
        self._update(self._take(self.marks.pop()))

    def _update(self, items):
        keys, values = items[::2], items[1::2]
        if not isinstance(self.stack[-1], dict) or len(keys) != len(values):
            raise TypeError('pairs go into a dictionary')
        # No tuples: the hash of a deep one overflows Python's own stack.
        if not all(isinstance(key, (str, int)) for key in keys):
            raise TypeError('keys are text or numbers')
        self.stack[-1].update(zip(keys, values))

    def _op_global(self, argument):
        name = argument.replace(' ', '.')
        if name not in self.names:
            raise ValueError(
                f'it asks for {name[:60]}, which is not a part of a '
                'dictionary of tensors'
            )
        self.stack.append(self.names[name])

    def _op_stack_global(self, _):
        self._op_global('.'.join(self._take(len(self.stack) - 2)))

    def _op_reduce(self, _):
        function, arguments = self._take(len(self.stack) - 2)
        # The names given are the only functions that can be here.
        self.stack.append(function(*arguments))

    def _op_binpersid(self, _):
        [pid] = self._take(len(self.stack) - 1)
        self.stack.append(self.persistent(pid))

    def _op_build(self, _):
        """Pass over what an object would keep, as a state's metadata."""
        self._take(len(self.stack) - 1)


def ordered(pairs=()):
    """Return a dictionary, as OrderedDict does, of a list of pairs."""
    made = collections.OrderedDict()
    for key, value in pairs:
        if not isinstance(key, (str, int)):
            raise TypeError('keys are text or numbers')
        made[key] = value
    return made
