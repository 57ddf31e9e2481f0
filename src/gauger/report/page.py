"""What every page has in common: templates that escape, safe strings, one style sheet named by its hash."""

import base64
import hashlib

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gauger.report import moments, numbers, plots
from gauger.report.untrusted import shorten, visible


def page_environment(*packages: str) -> Environment:
    """Return templates of these packages, the first that has one first, with the filters of every page.

    Every value that is printed is escaped, and characters that would hide or turn text are spelled out.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(plots=plots, numbers=numbers)
    environment.filters.update(
        count=numbers.count,
        percent=numbers.percent,
        error_rate=numbers.error_rate,
        p=numbers.p_value,
        day=moments.day,
        moment=moments.moment,
        id=shorten,
    )
    return environment


def _finalized(value: object) -> object:
    # Every value that is printed passes here, so no template can forget it.
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def style_sheet(environment: Environment, *names: str) -> Markup:
    """Return style sheets from the packages of the templates, one behind the other."""
    assert environment.loader is not None  # noqa: S101 (told to the type checker: it was given above)
    sources = [environment.loader.get_source(environment, name)[0] for name in names]
    return Markup("".join(sources))  # noqa: S704 (the packages' own files)


def source_hash(source: str) -> str:
    """Return the hash by which a page's security policy names its style sheet."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
