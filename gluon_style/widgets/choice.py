"""A list of pictures to choose from, and a button that uploads another."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
from PIL import Image

from gluon_style.errors import GluonStyleError
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized

# The longest side of the picture that shows what is chosen.
_THUMBNAIL = 160


class Choice:
    """The widgets, in ``box``, and ``value``, the picture that is chosen.

    ``pictures`` are those to choose from by name, ``given`` is one more that
    is chosen at first, or None. Uploads are kept in ``folder``. ``changed``
    is called when another picture is chosen. Raises GluonStyleError or
    FileNotFoundError where ``given`` is not a picture.
    """

    def __init__(
        self,
        noun: str,
        pictures: dict[str, Any],
        given: Any,
        folder: Path,
        changed: Callable[[], None],
    ) -> None:
        self._pictures, self._folder = pictures, folder
        first = None
        if given is not None:
            read_picture(given)
            named = isinstance(given, (str, Path))
            first = Path(given).name if named else f'the given {noun}'
            self._pictures = {first: given, **pictures}
        self.chosen = ipywidgets.Dropdown(
            options=list(self._pictures), description=noun
        )
        self.upload = ipywidgets.FileUpload(accept='image/*', multiple=False)
        self.thumbnail = ipywidgets.Image(format='jpeg')
        self.problem = ipywidgets.Label()
        self.widgets = self.chosen, self.upload
        self.box = ipywidgets.VBox(
            [
                ipywidgets.HBox(self.widgets),
                self.problem,
                self.thumbnail,
            ]
        )
        self._changed = changed
        self._show()
        self.chosen.observe(lambda _: self._choose(), 'value')
        self.upload.observe(lambda _: self._take(), 'value')

    @property
    def value(self) -> Any:
        """The picture that is chosen: a path, an image or an array."""
        return self._pictures[self.chosen.value]

    def _choose(self) -> None:
        self._show()
        self._changed()

    def _take(self) -> None:
        """Keep an uploaded picture as a file, and choose it."""
        if not self.upload.value:
            return
        [file] = self.upload.value
        # The browser says the name: no folder of it counts.
        name = Path(file['name'].replace('\\', '/')).name or 'upload'
        self._folder.mkdir(exist_ok=True)
        path = self._folder / name
        path.write_bytes(bytes(file['content']))
        try:
            read_picture(path)
        except GluonStyleError as error:
            self.problem.value = str(error).replace(str(path), name)
            return
        self.problem.value = ''
        self._pictures = {**self._pictures, name: path}
        self.chosen.options = list(self._pictures)
        self.chosen.value = name

    def _show(self) -> None:
        picture = read_picture(self.value)
        height, width = picture.shape[:2]
        factor = _THUMBNAIL / max(width, height)
        shape = max(1, round(width * factor)), max(1, round(height * factor))
        file = io.BytesIO()
        Image.fromarray(resized(picture, shape)).save(file, 'JPEG')
        self.thumbnail.value = file.getvalue()
