"""From the configuration's `module:Class` and parameters to a strategy, with its source.

A strategy is one file: what it decides by is that text, whose hash the log holds and which
`replay --code logged` runs again. So it may import the public API and installed libraries, but
no other strategy.
"""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import msgspec

from daemon.strategy.base import AnyStrategy, Parameters, Strategy, decode_parameters
from daemon.strategy.context import Context


class LoadingError(ValueError):
    """A strategy cannot be had as asked; the text says which and why."""


class LoadedStrategy(msgspec.Struct, frozen=True):
    """A strategy class with the text it was made from and that text's SHA-256."""

    spec: str
    strategy: type[AnyStrategy]
    source: str
    sha256: bytes

    def parameters(self, values: Mapping[str, Any]) -> Parameters:
        """The typed parameters. ParameterError names key and reason."""
        return decode_parameters(self.strategy.Parameters, values)

    def make(self, context: Context, values: Mapping[str, Any]) -> AnyStrategy:
        """A new strategy in its initial state, not started. ParameterError as above."""
        return self.strategy(context, self.parameters(values))


def load(spec: str) -> LoadedStrategy:
    """The strategy that `module:Class` names, from its file. LoadingError otherwise."""
    module_name, _ = split_spec(spec)
    return load_source(spec, read_source(module_name))


def load_source(spec: str, source: str) -> LoadedStrategy:
    """The strategy that `module:Class` names, from a text: a logged one, for example.

    The module is executed afresh each time and registered nowhere, so that several versions
    can live side by side.
    """
    module_name, class_name = split_spec(spec)
    check_imports(module_name, source)
    module = ModuleType(module_name)
    # Types are resolved through sys.modules: the module is there while that happens.
    previous = sys.modules.get(module_name)
    sys.modules[module_name] = module
    try:
        found = _strategy_in(module, class_name, source)
    finally:
        if previous is None:
            del sys.modules[module_name]
        else:
            sys.modules[module_name] = previous
    return LoadedStrategy(spec, found, source, source_hash(source))


def source_hash(source: str) -> bytes:
    """SHA-256 of the text in UTF-8: 32 bytes, as the log's SOURCE record has them."""
    return hashlib.sha256(source.encode()).digest()


def split_spec(spec: str) -> tuple[str, str]:
    """`("strategies.x", "X")` from `strategies.x:X`. LoadingError for any other form."""
    module_name, colon, class_name = spec.partition(":")
    dotted = all(part.isidentifier() for part in module_name.split("."))
    if not (colon and dotted and class_name.isidentifier()):
        raise LoadingError(
            f"{spec!r}: expected module:Class, as strategies.market_maker:MarketMaker"
        )
    return module_name, class_name


def read_source(module_name: str) -> str:
    """The text of an importable module, without executing it. LoadingError where there is none."""
    try:
        found = importlib.util.find_spec(module_name)
    except (ImportError, ValueError) as error:
        raise LoadingError(f"{module_name}: {error}") from None
    loader = None if found is None else found.loader
    get_source = getattr(loader, "get_source", None)
    source = None if get_source is None else get_source(module_name)
    if source is None:
        raise LoadingError(f"{module_name}: no Python source of that name")
    return str(source)


def check_imports(module_name: str, source: str) -> None:
    """LoadingError where the text does not parse, or imports another module of its package."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise LoadingError(f"{module_name}: {error}") from None
    package = module_name.partition(".")[0]
    for node in ast.walk(tree):
        for name in _imported(node):
            if not name or name.partition(".")[0] == package:
                raise LoadingError(
                    f"{module_name}: line {getattr(node, 'lineno', 0)} imports"
                    f" {name or 'relatively'}; a strategy is one file"
                )


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "" if node.level == 0 else ""]
    return []


def _strategy_in(module: ModuleType, class_name: str, source: str) -> type[AnyStrategy]:
    name = module.__name__
    module.__file__ = f"<{name}>"
    try:
        code = compile(source, module.__file__, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102  # the operator's own strategy, hash in the log
        found = module.__dict__.get(class_name)
        if not (isinstance(found, type) and issubclass(found, Strategy)):
            raise LoadingError(f"{name}: has no Strategy named {class_name}")
        msgspec.msgpack.Decoder(found.Parameters)
        msgspec.msgpack.Decoder(found.State)
    except LoadingError:
        raise
    except Exception as error:
        raise LoadingError(f"{name}: {type(error).__name__}: {error}") from error
    return found
