"""Templates: ``<folder>/<locale>/<name>.md``, read once, checked completely, then only used.

A template is text with ``{{ name }}``, ``{{ name|moment }}``, ``{{ name|length }}``, ``{% if … %}`` and
comments. Loops, includes, calls and arithmetic are refused, so no template can take long or reach anything.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connector.errors import ConfigError, Problem, what_failed
from connector.render.language import normal
from connector.render.values import tell_length, tell_moment
from connector.render.vocabulary import REASON, REASON_NAMES, REASONS, REQUIRED, VOCABULARY

MAX_SOURCE = 20_000
MAX_OUTPUT = 8_000
READER = "_reader"
"""Under this name a render finds out for whom it writes; no template may use it."""

_UNORDERED = {"gt": ">", "gteq": ">=", "lt": "<", "lteq": "<="}
"""Comparisons that values have no sense for: every value is text, so that 75 would come after 100."""

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom a text is written."""

    locale: Locale
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """Every template by locale and name, compiled.

    Attributes:
        names: templates that exist in the default locale: what a policy may refer to.
    """

    folder: str
    default_locale: str
    compiled: Mapping[tuple[str, str], Template] = field(repr=False)

    @property
    def names(self) -> frozenset[str]:
        """Return the names that exist in the default locale."""
        return frozenset(name for locale, name in self.compiled if locale == self.default_locale)

    @property
    def notes(self) -> frozenset[str]:
        """Return the names that a policy may refer to: all but the text that puts reasons into words."""
        return self.names - {REASON}

    def locales(self, name: str) -> frozenset[str]:
        """Return the locales in which ``name`` exists."""
        return frozenset(locale for locale, held in self.compiled if held == name)


def load_templates(folder: Path, *, default_locale: str = "en", locales: Iterable[str] = ()) -> Templates:
    """Read and check every template; ``locales`` are the languages in which every text must exist.

    Raises:
        ConfigError: with every problem of every template, and every text that is missing in a language.
    """
    problems: list[Problem] = []
    compiled: dict[tuple[str, str], Template] = {}
    there: set[tuple[str, str]] = set()
    for path in _files(folder, problems):
        text = normal(path.parent.name), path.stem
        there.add(text)
        template = _compiled(path, problems)
        if template is not None:
            compiled[text] = template
    templates = Templates(folder=str(folder), default_locale=normal(default_locale), compiled=compiled)
    problems += _needed(there, folder, templates.default_locale)
    problems += _missing(there, folder, templates.default_locale, locales)
    if problems:
        raise ConfigError(tuple(sorted(problems)))
    return templates


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    environment.globals.clear()
    environment.filters.clear()
    environment.tests.clear()
    environment.filters.update(FILTERS)
    return environment


@pass_context
def _moment(context: Context, value: str) -> str:
    reader: Reader = context[READER]
    return tell_moment(value, locale=reader.locale, zone=reader.zone) if value else ""


@pass_context
def _length(context: Context, value: str) -> str:
    reader: Reader = context[READER]
    return tell_length(value, locale=reader.locale) if value else ""


FILTERS: Mapping[str, Callable[[Context, str], str]] = {"moment": _moment, "length": _length}
_ENVIRONMENT = _environment()


def _files(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    for inner in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not inner.is_dir() or inner.name.startswith("."):
            continue
        try:
            Locale.parse(normal(inner.name), sep="-")
        except (UnknownLocaleError, ValueError):
            problems.append(
                Problem(str(inner), message="is not the name of a language", remedy="use de, en, ja, pt-BR …")
            )
            continue
        yield from sorted(inner.glob("*.md"))


def _compiled(path: Path, problems: list[Problem]) -> Template | None:
    try:
        return _checked(_source(path), path.stem, normal(path.parent.name))
    except _Refused as refused:
        problems += [replace(problem, file=str(path)) for problem in refused.problems]
    except TemplateSyntaxError as error:
        problems.append(Problem(str(path), error.lineno, 1, message=f"is no template: {error.message}"))
    except (TemplateError, ValueError, OSError) as error:
        problems.append(Problem(str(path), *_place(error), message=str(error)))
    except MemoryError:
        raise  # no file is to blame for it
    except Exception as error:  # noqa: BLE001 - whatever it is, somebody wrote it into this file
        problems.append(unfilled(str(path), error, said=str(error)))
    return None


def unfilled(path: str, error: Exception, *, said: str = "") -> Problem:
    """Return the problem of a text whose filling fails; ``said`` are the error's words, where they quote no ticket."""
    message = f"cannot be filled in: {what_failed(error)}" + (f": {said}" if said else "")
    return Problem(
        path, *_place(error), message=message, remedy="use {{ name }} and {% if name %} only, and few levels"
    )


def _place(error: Exception) -> tuple[int, int]:
    """Return where in the template it failed, (0, 0) where that is not known."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return (lines[-1], 1) if lines and lines[-1] else (0, 0)


class _Refused(Exception):
    """What a template holds and may not hold; the file is not known here."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


@lru_cache(maxsize=1024)
def _checked(source: str, stem: str, language: str) -> Template:
    """Return a template that was tried out; a daemon that reads its texts again compiles only what has changed.

    Raises:
        _Refused: it holds what no text may hold.
        TemplateError, ValueError: it is no template, or says nothing where it should.
    """
    tree = _ENVIRONMENT.parse(source)
    if refused := list(_refused(tree, "", REASON_NAMES if stem == REASON else VOCABULARY.keys())):
        raise _Refused(refused)
    template = _ENVIRONMENT.from_string(tree)
    _try(template, Locale.parse(language, sep="-"), _trials(stem))
    return template


def _source(path: Path) -> str:
    source = path.read_text(encoding="utf-8")
    if len(source) > MAX_SOURCE:
        raise ValueError(f"is longer than {MAX_SOURCE:,} characters")
    return source


def _trials(name: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield what a text must say something about: with every value and with none but the ticket, or each reason."""
    if name == REASON:
        for kind, values in REASONS.items():
            yield f"about {kind}", {**dict.fromkeys(REASON_NAMES, ""), **values, "kind": str(kind)}
        return
    yield "", VOCABULARY
    yield "when only the ticket is known", dict.fromkeys(VOCABULARY, "") | {"ticket": "SUP-14"}


def _try(template: Template, locale: Locale, trials: Iterable[tuple[str, Mapping[str, str]]]) -> None:
    """Render everything that a text is for: some words must come out each time."""
    for what, values in trials:
        text = template.render({**values, READER: Reader(locale=locale, zone=ZoneInfo("UTC"))})
        if not text.strip():
            raise ValueError(f"says nothing {what}".rstrip())
        if len(text) > MAX_OUTPUT:
            raise ValueError(f"makes more than {MAX_OUTPUT:,} characters")


def _refused(tree: nodes.Template, file: str, known: Collection[str]) -> Iterator[Problem]:
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Name) and node.name not in known:
            near = difflib.get_close_matches(node.name, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"use {', '.join(sorted(known))}"
            yield Problem(file, node.lineno, 1, key=node.name, message="there is no such value", remedy=remedy)
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield Problem(
                file, node.lineno, 1, key=node.name, message="there is no such filter", remedy="use moment or length"
            )
        elif not isinstance(node, (*_ALLOWED, nodes.Filter)):
            word = type(node).__name__.lower()
            yield Problem(
                file, node.lineno, 1, message=f"{word} is not for texts", remedy="use {{ name }} and {% if %} only"
            )
        else:
            yield from _misused(node, file)


def _misused(node: nodes.Node, file: str) -> Iterator[Problem]:
    """Yield what is said with the right words and yet means nothing, whether or not an example comes by it."""
    if isinstance(node, nodes.Filter):
        if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            remedy = f"write {{{{ name|{node.name} }}}}"
            yield Problem(file, node.lineno, 1, key=node.name, message="takes nothing in brackets", remedy=remedy)
        yield from _no_text([node.node], file)
    elif isinstance(node, nodes.Compare):
        for operand in node.ops:
            if (word := _UNORDERED.get(operand.op)) is not None:
                remedy = "use == or != between a value and a text in quotes"
                yield Problem(file, node.lineno, 1, message=f"{word} is not for texts", remedy=remedy)
        yield from _no_text([node.expr, *(operand.expr for operand in node.ops)], file)


def _no_text(compared: Iterable[nodes.Node | None], file: str) -> Iterator[Problem]:
    for node in compared:
        if isinstance(node, nodes.Const) and not isinstance(node.value, str):
            is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
            remedy = f'write "{node.value}"' if is_number else "ask {% if name %} or {% if not name %}"
            message = f"{node.value} is not text, as every value is"
            yield Problem(file, node.lineno, 1, message=message, remedy=remedy)


def _needed(there: Collection[tuple[str, str]], folder: Path, default: str) -> Iterator[Problem]:
    at, names = folder / default, _in(there, default)
    if not names:
        yield Problem(str(at), message="holds no template", remedy="add <name>.md files")
        return
    for name in sorted(REQUIRED - names):
        yield Problem(str(at / f"{name}.md"), message="is missing", remedy="every policy needs it")


def _missing(
    there: Collection[tuple[str, str]], folder: Path, default: str, locales: Iterable[str]
) -> Iterator[Problem]:
    for locale in sorted({normal(tag) for tag in locales}):
        found = _in(there, locale) | _in(there, locale.partition("-")[0])
        for name in sorted(_in(there, default) - found):
            path = folder / locale / f"{name}.md"
            yield Problem(str(path), message="is missing", remedy=f"translate {default}/{name}.md")


def _in(there: Collection[tuple[str, str]], locale: str) -> frozenset[str]:
    """Return the names of the texts that a language has, right or wrong: one that is wrong is not missing as well."""
    return frozenset(name for of, name in there if of == locale)
