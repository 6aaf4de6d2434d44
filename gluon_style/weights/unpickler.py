"""Read a pickle of plain containers without ever running it.

A pickle is a program: Python's unpickler takes the memory and calls the
functions that it asks for. This one knows dictionaries, lists, tuples,
strings and numbers, and the few names that its caller gives it. It refuses
everything else.
"""

from __future__ import annotations

import collections
import inspect
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

_CONSTANTS = {'NONE': None, 'NEWTRUE': True, 'NEWFALSE': False}
_EMPTY = {'EMPTY_DICT': dict, 'EMPTY_LIST': list, 'EMPTY_TUPLE': tuple}
# Operations that put their argument on the stack.
_LITERALS = (
    'BINBYTES',
    'BINFLOAT',
    'BININT',
    'BININT1',
    'BININT2',
    'BINSTRING',
    'BINUNICODE',
    'LONG1',
    'SHORT_BINBYTES',
    'SHORT_BINSTRING',
    'SHORT_BINUNICODE',
)
_TUPLES = {'TUPLE1': 1, 'TUPLE2': 2, 'TUPLE3': 3}
_PUT = ('BINPUT', 'LONG_BINPUT', 'MEMOIZE')
_GET = ('BINGET', 'LONG_BINGET')


class Readable(Protocol):
    """What ``read_pickle`` reads from: a file, or something like one."""

    def read(self, size: int, /) -> bytes:
        """Return the next ``size`` bytes, or fewer at the end."""
        ...

    def readline(self) -> bytes:
        """Return the bytes up to the end of the line."""
        ...


class Stateful:
    """What stands for an object that a pickle makes first and fills then."""

    def set_state(self, state: Any) -> None:
        """Take the state that the pickle gives, or raise ValueError."""
        raise NotImplementedError


def read_pickle(
    file: Readable,
    names: Mapping[str, Any],
    load_persistent: Callable[[Any], Any],
) -> Any:
    """Return the value of the pickle at a file's position, and stop after it.

    ``names`` maps 'module.name' to the value or the Python function that
    stands for it. ``load_persistent`` turns a persistent id into a value.
    Raises ValueError for a broken pickle, and for one that asks for anything
    else.
    """
    return _Machine(names, load_persistent).run(file)


class _Machine:
    """The stack, the marks on it, and the memo of values by number."""

    def __init__(self, names, load_persistent):
        self.names = names
        self.load_persistent = load_persistent
        self.stack, self.marks, self.memo = [], [], {}

    def run(self, file):
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == 'STOP':
                return self._pop(1)[0]
            self._step(opcode.name, argument)
        raise ValueError('its pickle is cut off')

    def _step(self, name, argument):
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            self.stack.append(self._pop(_TUPLES[name]))
        elif name in _PUT:
            number = len(self.memo) if argument is None else argument
            self.memo[number] = self._top()
        elif name in _GET:
            if argument not in self.memo:
                raise _broken(f'there is no value {argument}')
            self.stack.append(self.memo[argument])
        elif hasattr(self, f'_op_{name.lower()}'):
            getattr(self, f'_op_{name.lower()}')(argument)
        else:
            raise ValueError(
                f'its pickle has the operation {name}, which no dictionary '
                'of tensors needs'
            )

    def _top(self):
        """Return the last value on the stack, and leave it there."""
        if not self.stack:
            raise _broken('the stack is empty')
        return self.stack[-1]

    def _pop(self, count):
        """Remove the last ``count`` values and return them as a tuple."""
        if count > len(self.stack):
            raise _broken('the stack is too short')
        start = len(self.stack) - count
        values = tuple(self.stack[start:])
        del self.stack[start:]
        return values

    def _pop_to_mark(self):
        """Remove and return the values above the last mark."""
        if not self.marks:
            raise _broken('there is no mark')
        return self._pop(max(0, len(self.stack) - self.marks.pop()))

    def _op_proto(self, version):
        pass

    def _op_frame(self, size):
        pass

    def _op_mark(self, _):
        self.marks.append(len(self.stack))

    def _op_tuple(self, _):
        self.stack.append(self._pop_to_mark())

    def _op_append(self, _):
        self._extend(self._pop(1))

    def _op_appends(self, _):
        self._extend(self._pop_to_mark())

    def _extend(self, items):
        if not isinstance(self._top(), list):
            raise _broken('items go into a list')
        self._top().extend(items)

    def _op_setitem(self, _):
        self._update(self._pop(2))

    def _op_setitems(self, _):
        self._update(self._pop_to_mark())

    def _update(self, items):
        keys, values = items[::2], items[1::2]
        if not isinstance(self._top(), dict) or len(keys) != len(values):
            raise _broken('pairs go into a dictionary')
        for key in keys:
            _require_key(key)
        self._top().update(zip(keys, values))

    def _op_global(self, argument):
        name = argument.replace(' ', '.')
        if name not in self.names:
            raise ValueError(
                f'it asks for {name[:60]}, which is not a part of a '
                'dictionary of tensors'
            )
        self.stack.append(self.names[name])

    def _op_stack_global(self, _):
        parts = self._pop(2)
        if not all(isinstance(part, str) for part in parts):
            raise _broken('a name is not text')
        self._op_global('.'.join(parts))

    def _op_reduce(self, _):
        function, arguments = self._pop(2)
        # Only the functions in ``names`` can be here.
        if not callable(function) or not isinstance(arguments, tuple):
            raise _broken('it calls something that is not a function')
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError as error:
            raise _broken(str(error)) from None
        self.stack.append(function(*arguments))

    def _op_binpersid(self, _):
        [persistent_id] = self._pop(1)
        self.stack.append(self.load_persistent(persistent_id))

    def _op_build(self, _):
        """Give an object its state; drop attributes, such as metadata."""
        [state] = self._pop(1)
        value = self._top()
        # Not Python's __setstate__, which NumPy's own objects have.
        if isinstance(value, Stateful):
            value.set_state(state)


def ordered(pairs: Any = ()) -> collections.OrderedDict:
    """Return a dictionary of a list of pairs, as OrderedDict does."""
    dictionary = collections.OrderedDict()
    if not isinstance(pairs, (list, tuple)):
        raise _broken('a dictionary is made of pairs')
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise _broken('a dictionary is made of pairs')
        key, value = pair
        _require_key(key)
        dictionary[key] = value
    return dictionary


def _require_key(key):
    """Raise ValueError unless a key of a dictionary is text or a number.

    Hashing a deep tuple would overflow the stack of Python itself.
    """
    if not isinstance(key, (str, int)):
        raise _broken('keys are text or numbers')


def _broken(reason):
    return ValueError(f'its pickle is broken ({reason})')
