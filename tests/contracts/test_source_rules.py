"""Rules about our source that no linter knows."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
MODULES = sorted(str(path.relative_to(SRC)) for path in SRC.rglob("*.py"))
# The one place for the private names of a library: discord.py's, and simcord's.
PRIVATE_NAMES_OF_OTHERS = {"wompbot_cogs/_dpy.py", "wompbot_cogs/simulated/world.py"}
BOT = [module for module in MODULES if module.startswith("wompbot_cogs/")]
DECISIONS = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("docs/decisions/*.md"))
LONGEST = 300
LONGEST_LITERAL = 8

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
# An ignore names its rule and is followed by its reason.
IGNORE = re.compile(r"#\s*(type:\s*ignore|noqa)(?!(\[[\w, -]+\]|:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)\s*[#(]\s*\S)")


def source(module: str) -> str:
    return (SRC / module).read_text(encoding="utf-8")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short_or_has_its_reason(module: str) -> None:
    lines = len(source(module).splitlines())
    assert lines <= LONGEST or module in DECISIONS, f"{lines} lines"


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_left_unfinished_or_silenced(module: str) -> None:
    text = source(module)
    comments = {
        token.start[0]: text.splitlines()[token.start[0] - 1].strip()
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT and (UNFINISHED.search(token.string) or IGNORE.search(token.string))
    }
    assert comments == {}
    assert [node.lineno for node in ast.walk(ast.parse(text)) if hides_a_gap(node)] == []


@pytest.mark.parametrize("module", MODULES)
def test_no_function_builds_a_table_anew_in_every_call(module: str) -> None:
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    defined = [node for node in ast.walk(ast.parse(source(module))) if isinstance(node, functions)]
    inside = [node for function in defined for node in ast.walk(function)]
    assert [node.lineno for node in inside if isinstance(node, ast.expr) and is_table(node)] == []


def is_table(node: ast.expr) -> bool:
    match node:
        case ast.Dict(keys=keys, values=values):
            entries = [*keys, *values]
        case ast.Set(elts=entries) | ast.List(elts=entries):
            pass
        case _:
            return False
    return len(entries) >= LONGEST_LITERAL and all(isinstance(entry, ast.Constant) for entry in entries)


def hides_a_gap(node: ast.AST) -> bool:
    match node:
        case ast.ExceptHandler(type=None):
            return True
        case ast.ExceptHandler(type=ast.Name(id="Exception" | "BaseException"), body=[ast.Pass()]):
            return True
        case ast.Raise(exc=ast.expr() as error):
            return ast.unparse(error).startswith("NotImplementedError")
    return False


@pytest.mark.parametrize("module", MODULES)
def test_no_coroutine_calls_the_blocking_driver(module: str) -> None:
    coroutines = [n for n in ast.walk(ast.parse(source(module))) if isinstance(n, ast.AsyncFunctionDef)]
    blocking = re.compile(r"\bpsycopg\.(connect|Connection)\b|\b(?<!Async)ConnectionPool\b")
    assert [coroutine.name for coroutine in coroutines if blocking.search(ast.unparse(coroutine))] == []


@pytest.mark.parametrize("module", sorted({*BOT} - PRIVATE_NAMES_OF_OTHERS))
def test_the_bot_uses_no_private_name_of_the_library_or_of_discord(module: str) -> None:
    tree = ast.parse(source(module))
    assert sorted(set(private_imports(tree)) | (set(private_uses(tree)) - set(own_names(tree)))) == []


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def private_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            paths = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            paths = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for path in paths:
            if path.split(".")[0] in {"wompcore", "discord"} and any(map(is_private, path.split("."))):
                yield path


def private_uses(tree: ast.Module) -> Iterator[str]:
    """Yield the private names that are looked up on something."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if is_private(name):
                yield name
            case ast.Call(
                func=ast.Name(id="getattr" | "setattr" | "hasattr" | "delattr"),
                args=[_, ast.Constant(value=str(name)), *_],
            ) if is_private(name):
                yield name


def own_names(tree: ast.Module) -> Iterator[str]:
    """Yield the private names that the module itself defines."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                yield name


@pytest.mark.parametrize(
    "line",
    [
        "x = y  # type: ignore",
        "x = y  # type: ignore[arg-type]",
        "x = y  # noqa",
        "x = y  # noqa: E501",
    ],
)
def test_an_ignore_without_rule_or_reason_is_found(line: str) -> None:
    assert IGNORE.search(line)
    assert not IGNORE.search("x = y  # type: ignore[arg-type] # two columns")
    assert not IGNORE.search("x = y  # noqa: SLF001, E501 (there is no public name for it)")


@pytest.mark.parametrize("line", ["self._connection", "bot._x()", "setattr(bot, '_x', 1)"])
def test_a_private_name_from_elsewhere_is_found(line: str) -> None:
    tree = ast.parse(f"class A(Bot):\n    def f(self, bot):\n        self._mine = 1\n        {line}\n")
    assert len(set(private_uses(tree)) - set(own_names(tree))) == 1


def test_no_process_carries_a_library_of_neural_networks() -> None:
    """The predecessor held a model of 400 MB for its lifetime; ours sits behind the one client."""
    heavy = re.compile(r"(torch|tensorflow|transformers|sentence-transformers|llmlingua|onnxruntime|jax)\b")
    assert [wanted for wanted in requires("wompcore") or () if heavy.match(wanted)] == []
