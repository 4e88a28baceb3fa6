"""What a plugin's distribution asks of its surroundings, checked before any of its code runs."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, version

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from wompbot_cogs.errors import PluginConflict
from wompbot_cogs.manifest import Manifest

HOST = "wompcore"
"""The distribution that a manifest's ``host`` speaks of."""


def check_requirements(manifest: Manifest, distribution: Distribution | None) -> None:
    """Check that the host and every installed distribution are of versions that a plugin runs with.

    Args:
        manifest: What the plugin says of itself.
        distribution: What it was installed with, if that is known.

    Raises:
        PluginConflict: Something is missing or of another version; names it, and what is asked for.
    """
    installed = version(HOST)
    if not SpecifierSet(manifest.host).contains(installed, prereleases=True):
        raise PluginConflict(manifest.id, f"needs host {manifest.host}; this is {HOST} {installed}")
    if distribution is None or distribution.name == HOST:  # the host runs: what it needs is here
        return
    for text in distribution.requires or ():
        if (problem := _problem(text)) is not None:
            raise PluginConflict(manifest.id, problem)


def _problem(text: str) -> str | None:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return f"needs something that is no requirement: {text[:100]!r}"
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return None
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return f"needs {requirement.name}{requirement.specifier}, which is not installed"
    if not requirement.specifier.contains(installed, prereleases=True):
        return f"needs {requirement.name}{requirement.specifier}; {installed} is installed"
    return None
