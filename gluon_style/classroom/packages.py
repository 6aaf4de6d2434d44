"""Check that the installed packages are those that this package needs.

The metadata of this package says which these are. Only what metadata cannot
say is written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from importlib import metadata
from typing import cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from gluon_style.classroom.findings import ADVICE, PROBLEM, Finding

MXNET_VERSIONS = ('1.9.1', '2.0.0b1')
# Tested beside the version that setup.cfg asks for.
OTHER_D2L_VERSIONS = ('1.0.3',)
_CLASSIFIER = 'Programming Language :: Python :: 3.'


def installed() -> Iterator[tuple[str, Message]]:
    """Yield the name and the metadata of every other package installed here.

    The names are as pip compares them: in lower case, with hyphens.
    """
    for distribution in metadata.distributions():
        # Importing importlib_metadata, which Dask does, puts its classes in
        # place of Python's. A key that is missing is an error there; a file
        # that is missing is an error, or None, by its version.
        try:
            fields = cast('Message | None', distribution.metadata)
        except FileNotFoundError:
            continue
        if fields is None:
            continue
        name = canonicalize_name(fields.get('Name') or '')
        if name not in ('', 'gluon-style'):
            yield name, fields


def installed_versions() -> dict[str, str]:
    """Return {name: version} of every other package installed here."""
    versions: dict[str, str] = {}
    for name, fields in installed():
        if version := fields.get('Version'):
            # Where two have one name, Python imports the first.
            versions.setdefault(name, version)
    return versions


def _requirements() -> list[Requirement]:
    """Return what this package needs on this machine, without its extras."""
    parsed = map(Requirement, metadata.requires('gluon_style') or [])
    return [
        requirement
        for requirement in parsed
        if not requirement.marker or requirement.marker.evaluate({'extra': ''})
    ]


def supported_pythons() -> list[tuple[int, int]]:
    """Return the minor versions of Python that are tested, in order."""
    classifiers = metadata.metadata('gluon_style').get_all('Classifier') or []
    minors = [
        int(classifier[len(_CLASSIFIER) :])
        for classifier in classifiers
        if classifier.startswith(_CLASSIFIER)
    ]
    return [(3, minor) for minor in sorted(minors)]


def _mxnet_builds(versions: dict[str, str]) -> list[str]:
    """Return the installed builds of MXNet: mxnet, mxnet-cu117 and so on."""
    return sorted(n for n in versions if re.fullmatch(r'mxnet(-cu\d+)?', n))


def examine_packages(
    versions: dict[str, str] | None = None,
) -> Iterator[Finding]:
    """Yield whether the versions of the packages fit each other.

    ``versions`` is {name: version} of what is installed, as
    ``installed_versions`` returns it.
    """
    versions = installed_versions() if versions is None else versions
    yield from _examine_mxnet_builds(versions)
    for requirement in _requirements():
        name = canonicalize_name(requirement.name)
        if name == 'mxnet':
            continue
        version = versions.get(name)
        if version is None:
            yield _misfit(name, None, str(requirement))
        elif not _fits(version, requirement):
            yield _misfit(name, version, str(requirement))
        elif name in ('d2l', 'numpy'):
            yield Finding(f'{name} {version}')
    if versions.get('d2l') in OTHER_D2L_VERSIONS:
        yield from _examine_old_matplotlib(versions)


def _examine_mxnet_builds(versions: dict[str, str]) -> Iterator[Finding]:
    builds = _mxnet_builds(versions)
    if not builds:
        yield _misfit('mxnet', None, f'mxnet=={MXNET_VERSIONS[0]}')
    if len(builds) > 1:
        yield Finding(
            f'{" and ".join(builds)} hide each other',
            PROBLEM,
            f'python -m pip uninstall {" ".join(builds[1:])}',
        )
    for name in builds:
        if versions[name] in MXNET_VERSIONS:
            yield Finding(f'{name} {versions[name]}')
        else:
            requirement = f'{name}=={MXNET_VERSIONS[0]}'
            yield _misfit(name, versions[name], requirement)


def _fits(version: str, requirement: Requirement) -> bool:
    if requirement.name == 'd2l' and version in OTHER_D2L_VERSIONS:
        return True
    return requirement.specifier.contains(version, prereleases=True)


def _misfit(name: str, version: str | None, requirement: str) -> Finding:
    """Return the finding that a package is missing, or of another version."""
    needed = requirement.partition(';')[0].strip()
    text = f'{name} is not installed'
    if version:
        text = f'{name} {version} does not fit the others: {needed} does'
    # Only the chapter's own listing needs d2l.
    level = ADVICE if name == 'd2l' else PROBLEM
    return Finding(text, level, f"python -m pip install '{needed}'")


def _examine_old_matplotlib(versions: dict[str, str]) -> Iterator[Finding]:
    """Yield that the matplotlib which d2l 1.0.3 pins does not plot here."""
    ipython = versions.get('ipython')
    if ipython and Version(ipython).major >= 9:
        yield Finding(
            f'ipython {ipython} does not fit d2l {versions["d2l"]}, whose '
            'matplotlib does not plot there: ipython<9 does',
            ADVICE,
            "python -m pip install 'ipython<9'",
        )
