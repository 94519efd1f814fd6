"""Read what the command line offers from the program itself, as Markdown."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import fields

from cyclopts import App, Argument

from threadkeep.cli.app import COMMANDS, build
from threadkeep.cli.exits import MEANINGS
from threadkeep.cli.opening import Where

SHARED = "options of every command"
EXITS = "exit codes"


def names() -> list[str]:
    """Return the names of the commands, in the order of the help."""
    return [name for name, _ in COMMANDS]


def parts() -> dict[str, str]:
    """Return the Markdown of each command, of the options that all have, and of the exit codes."""
    app = build()
    found = {name: _command(app, name, inspect.getdoc(function)) for name, function in COMMANDS}
    every = [argument for argument in _arguments(app, names()[0]) if _is_shared(argument)]
    found[SHARED] = "\n".join(["| option | meaning |", "|---|---|", *map(_row, every)])
    rows = (f"| {code} | {meaning} |" for code, meaning in MEANINGS.items())
    found[EXITS] = "\n".join(["| code | meaning |", "|---|---|", *rows])
    return found


def option_names() -> dict[str, set[str]]:
    """Return the options of each command by their long names."""
    app = build()
    return {
        name: {n for a in _arguments(app, name) for n in a.names if n.startswith("--")}
        for name in names()
    }


def _arguments(app: App, name: str) -> Iterator[Argument]:
    for word in name.split():
        app = app[word]
    return (a for a in app.assemble_argument_collection(parse_docstring=True) if a.show)


def _is_shared(argument: Argument) -> bool:
    return bool(set(argument.names) & {f"--{f.name.replace('_', '-')}" for f in fields(Where)})


def _command(app: App, name: str, text: str | None) -> str:
    if text is None:
        raise KeyError(f"{name} (it has no docstring)")
    own = [argument for argument in _arguments(app, name) if not _is_shared(argument)]
    usage = " ".join([f"threadkeep {name}", *_shape(own)])
    body = text.partition("\nArgs:\n")[0].strip()
    parts = [f"```text\n{usage}\n```", body]
    if own:
        parts.append("\n".join(["| argument | meaning |", "|---|---|", *map(_row, own)]))
    return "\n\n".join(parts)


def _shape(arguments: Iterable[Argument]) -> Iterator[str]:
    for argument in arguments:
        shown = _name(argument)
        kind = argument.field_info.kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            yield f"[{shown} ...]"
        elif kind is inspect.Parameter.KEYWORD_ONLY:
            yield f"[{shown}]"
        else:
            yield shown if argument.required else f"[{shown}]"


def _name(argument: Argument) -> str:
    """Return an argument as it is written: its longest name, with what it takes."""
    name = max(argument.names, key=len)
    if not name.startswith("--") or argument.is_flag():
        return name
    choices = argument.get_choices()
    return f"{name} {'|'.join(choices) if choices else name.strip('-').upper().replace('-', '_')}"


def _row(argument: Argument) -> str:
    text = argument.parameter.help or ""
    choices = argument.get_choices()
    default = argument.field_info.default
    if choices and not max(argument.names, key=len).startswith("--"):
        text += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
    if default not in (None, False, inspect.Parameter.empty):
        text += f" Default: `{default}`."
    shown = _name(argument).replace("|", "\\|")
    return f"| `{shown}` | {text.strip()} |"
