"""Read what a module offers from its source: signatures and docstrings, as Markdown. Text in, text out.

Nothing is imported; annotations and defaults come out as the source has them.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

WIDTH = 96
Def = ast.FunctionDef | ast.AsyncFunctionDef


def described(module: ast.Module, name: str, shown: str, without: set[str]) -> str:
    """Return the Markdown of a module's class, function or alias, or of what it says itself (`__doc__`).

    `shown`: what stands before the dot of its methods ("" for a record). `without`: methods left out.
    Raises KeyError when the module has no such name, or when `without` names what is not there.
    """
    if name == "__doc__":
        _, _, rest = (ast.get_docstring(module) or "").partition("\n\n")
        return f"```text\n{rest}\n```"
    for node in reversed(module.body):  # the last of overloads has the docstring
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _class(node, shown, without) if shown else _record(module, node)
        if isinstance(node, Def) and node.name == name:
            return _function(node, "")
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in ast.unparse(node).split()[0]:
            return _fenced(ast.unparse(node))
    raise KeyError(name)


def _class(node: ast.ClassDef, shown: str, without: set[str]) -> str:
    made = next((m for m in _methods(node) if m.name == "__init__"), None)
    parts = [_doc(node)]
    if made is not None and "__init__" not in without:
        parts.insert(0, _fenced(_lines(node.name, _arguments(made.args)[1:])))
    public = [m for m in _methods(node) if not m.name.startswith("_")]
    unknown = without - {m.name for m in public} - {"__init__"}
    if unknown:
        raise KeyError(", ".join(sorted(unknown)))
    for method in public:
        if method.name not in without:
            on_class = "classmethod" in map(ast.unparse, method.decorator_list)
            on = node.name if on_class else shown
            parts += [f"### `{on}.{method.name}`", _function(method, f"{on}.")]
    return "\n\n".join(parts)


def _methods(node: ast.ClassDef) -> Iterator[Def]:
    return (child for child in node.body if isinstance(child, Def))


def _function(node: Def, before: str) -> str:
    return f"{_fenced(_usage(node, before))}\n\n{_doc(node)}"


def _usage(node: Def, before: str) -> str:
    """Return how a function is called: with await, in a for or with statement, or as it is."""
    marks = {ast.unparse(mark) for mark in node.decorator_list}
    returns = ast.unparse(node.returns) if node.returns else ""
    if "property" in marks:
        return f"{before}{node.name} -> {returns}"
    first, last = "", f" -> {returns}" if returns else ""
    if "asynccontextmanager" in marks:
        first, last = "async with ", ""
    elif found := re.match(r"AsyncIterator\[(\w+)\]", returns):
        first, last = f"async for {found[1].lower()} in ", ""
    elif isinstance(node, ast.AsyncFunctionDef):
        first = "await "
    arguments = _arguments(node.args)[1 if before else 0 :]
    return _lines(first + before + node.name, arguments, last)


def _lines(name: str, arguments: list[str], last: str = "") -> str:
    """Return a call with its arguments as declared, one a line where one line is too long."""
    line = f"{name}({', '.join(arguments)}){last}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {argument}," for argument in arguments), f"){last}"])


def _arguments(given: ast.arguments) -> list[str]:
    plain = [*given.posonlyargs, *given.args]
    first = len(plain) - len(given.defaults)
    defaults = [None] * first + [*given.defaults]
    found = [_argument(a, d) for a, d in zip(plain, defaults, strict=True)]
    if given.vararg:
        found.append("*" + _argument(given.vararg, None))
    elif given.kwonlyargs:
        found.append("*")
    found += [_argument(a, d) for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    if given.kwarg:
        found.append("**" + _argument(given.kwarg, None))
    return found


def _argument(given: ast.arg, default: ast.expr | None) -> str:
    kind = f": {ast.unparse(given.annotation)}" if given.annotation else ""
    return given.arg + kind + (f" = {ast.unparse(default)}" if default else "")


def _record(module: ast.Module, node: ast.ClassDef) -> str:
    """Return a record's fields, those of its bases in the module first, as the call that makes one."""
    fields = list(_fields(module, node))
    keywords = {word.arg for word in node.keywords if ast.unparse(word.value) == "True"}
    if fields and "kw_only" in keywords:
        fields.insert(0, "*")
    parts = [_fenced(_lines(node.name, fields))] if fields else []
    init = next((m for m in _methods(node) if m.name == "__init__"), None)
    if init is not None:
        parts = [_fenced(_lines(node.name, _arguments(init.args)[1:]))]
    parts.append(_doc(node))
    for method in _methods(node):
        if not method.name.startswith("_"):
            parts += [_function(method, f"{node.name.lower()}.")]
    return "\n\n".join(parts)


def _fields(module: ast.Module, node: ast.ClassDef) -> Iterator[str]:
    bases = {ast.unparse(base) for base in node.bases}
    for other in module.body:
        if isinstance(other, ast.ClassDef) and other.name in bases:
            yield from _fields(module, other)
    for child in node.body:
        if isinstance(child, ast.AnnAssign) and not ast.unparse(child.annotation).startswith(
            "ClassVar"
        ):
            yield ast.unparse(child)


def _doc(node: ast.ClassDef | Def) -> str:
    """Return a docstring; its `Args:` become a list."""
    text = ast.get_docstring(node)
    if text is None:
        raise KeyError(f"{node.name} (it has no docstring)")
    body, _, arguments = inspect.cleandoc(text).partition("\nArgs:\n")
    if not arguments:
        return body.strip()
    listed = re.sub(r"^    (\w+): ", r"- `\1`: ", arguments, flags=re.MULTILINE)
    return f"{body.strip()}\n\n{re.sub(r'^    +', '  ', listed, flags=re.MULTILINE).strip()}"


def _fenced(code: str) -> str:
    return f"```python no-run: signature\n{code}\n```"
