"""The kernel rules, read from the source of every file in `kernels/`.

Lazy signatures let two processes that fill an empty cache leave an index that points at the other's
machine code, and later calls return wrong numbers without any error. Nobody would see it, so every
rule that prevents it is a test.
"""

from __future__ import annotations

import ast
import builtins
import importlib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = sorted(path for path in (REPOSITORY / "kernels").glob("*.py") if path.stem != "__init__")
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc", "jit_module"}

Function = ast.FunctionDef


def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(), str(path))


def compiler(decorator: ast.expr) -> str:
    """Return the name of the numba compiler that a decorator calls, "" for any other decorator."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name if name in COMPILERS else ""


def jitted(module: ast.Module) -> list[tuple[Function, ast.expr]]:
    """Return every compiled function with the decorator that compiles it."""
    return [
        (node, decorator)
        for node in ast.walk(module)
        if isinstance(node, Function)
        for decorator in node.decorator_list
        if compiler(decorator)
    ]


def helpers(module: ast.Module) -> list[Function]:
    """Return the functions that are compiled into the kernels that call them."""
    return [
        node
        for node in module.body
        if isinstance(node, Function)
        and any(getattr(decorator, "id", "") == "_helper" for decorator in node.decorator_list)
    ]


def overloads(module: ast.Module) -> dict[str, Function]:
    """Return the functions that say what is compiled for a plain one, by the plain one's name."""
    found = {}
    for node in (one for one in module.body if isinstance(one, Function)):
        for decorator in node.decorator_list:
            if not isinstance(decorator, ast.Call):
                continue
            if ast.unparse(decorator.func).endswith("extending.overload"):
                found[ast.unparse(decorator.args[0])] = node
    return found


def intrinsics(module: ast.Module) -> list[Function]:
    """Return the functions that make machine code."""
    return [
        node
        for node in module.body
        if isinstance(node, Function)
        and any(
            ast.unparse(decorator).endswith("extending.intrinsic")
            for decorator in node.decorator_list
        )
    ]


def compiled(module: ast.Module) -> list[Function]:
    """Return all functions that numba compiles, kernels and helpers."""
    return [function for function, _ in jitted(module)] + helpers(module)


def called_names(function: Function) -> set[str]:
    """Return the plain names that a function's body calls."""
    return {
        node.func.id
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def is_written_out(decorator: ast.expr) -> bool:
    """Tell whether a decorator holds a list of signatures, each result(argument, …)."""
    if not isinstance(decorator, ast.Call) or not decorator.args:
        return False
    listed = decorator.args[0]
    return (
        isinstance(listed, ast.List)
        and bool(listed.elts)
        and all(isinstance(signature, ast.Call) for signature in listed.elts)
    )


def options(decorator: ast.expr, module: ast.Module) -> dict[str, object]:
    """Return the keyword arguments of a decorator; `**NAME` is a dict written out in the module."""
    written: dict[str, object] = {}
    for word in decorator.keywords if isinstance(decorator, ast.Call) else []:
        if word.arg is None and isinstance(word.value, ast.Name):
            written |= literal_dict(module, word.value.id)
        elif word.arg is not None:
            written[word.arg] = ast.literal_eval(word.value)
    return written


def literal_dict(module: ast.Module, name: str) -> dict[str, object]:
    """Return the dict that a module writes out under a name."""
    for node in module.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return dict(ast.literal_eval(node.value))
    return {}


each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@each_file
def test_signatures_are_written_in_the_decorator(path: Path) -> None:
    lazy = [one.name for one, decorator in jitted(tree(path)) if not is_written_out(decorator)]
    assert lazy == []


@each_file
def test_helpers_are_private_and_have_no_cache_of_their_own(path: Path) -> None:
    module = tree(path)
    assert all(function.name.startswith("_") for function in helpers(module))
    for node in module.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_helper":
            assert ast.unparse(node.value).startswith("nb.extending.register_jitable(")
            assert "cache" not in {word.arg for word in getattr(node.value, "keywords", [])}


@each_file
def test_every_function_is_a_kernel_or_a_helper(path: Path) -> None:
    module = tree(path)
    functions = {node.name for node in module.body if isinstance(node, Function)}
    replaced = overloads(module)
    known = {function.name for function in compiled(module) + intrinsics(module)}
    assert functions == known | set(replaced) | {one.name for one in replaced.values()}


@each_file
def test_what_is_written_as_machine_code_stands_for_a_plain_function(path: Path) -> None:
    module = tree(path)
    replaced = overloads(module)
    made = {function.name for function in intrinsics(module)}
    used = [called_names(function) & made for function in replaced.values()]
    assert sorted(name for names in used for name in names) == sorted(made)
    functions = {node.name: node for node in module.body if isinstance(node, Function)}
    for name, function in replaced.items():
        plain = [one.arg for one in functions[name].args.args]
        assert plain == [one.arg for one in function.args.args], name
        assert name.startswith("_"), name


@each_file
def test_kernels_are_cached_and_release_the_interpreter(path: Path) -> None:
    module = tree(path)
    for function, decorator in jitted(module):
        given = options(decorator, module)
        assert given.get("cache") is True, function.name
        assert given.get("nogil") is True, function.name


@each_file
def test_kernels_leave_the_cores_to_the_processes(path: Path) -> None:
    module = tree(path)
    for function, decorator in jitted(module):
        assert compiler(decorator) == "njit", function.name
        assert "parallel" not in options(decorator, module), function.name
    for function in compiled(module):
        used = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
        assert "prange" not in used, function.name


@each_file
def test_kernels_do_not_raise_print_or_import(path: Path) -> None:
    forbidden = (ast.Raise, ast.Assert, ast.Try, ast.Import, ast.ImportFrom, ast.JoinedStr)
    for function in compiled(tree(path)):
        found = [node.lineno for node in ast.walk(function) if isinstance(node, forbidden)]
        assert found == [], function.name
        assert called_names(function).isdisjoint({"print", "open"}), function.name


@each_file
def test_a_kernel_file_imports_numba_and_numpy_only(path: Path) -> None:
    imported = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add("." if node.level else (node.module or "").partition(".")[0])
    assert imported <= {"__future__", "math", "numba", "numpy", "typing"}


@each_file
def test_what_a_kernel_calls_stands_in_its_own_file_and_is_compiled(path: Path) -> None:
    module = tree(path)
    functions = compiled(module)
    known = {function.name for function in functions} | set(dir(builtins)) | set(overloads(module))
    for function in functions:
        assert called_names(function) <= known, function.name


def test_every_public_kernel_has_a_plain_twin() -> None:
    twins = (REPOSITORY / "tests" / "kernels").glob("naive*.py")
    bodies = [node for path in twins for node in tree(path).body]
    names = {node.name for node in bodies if isinstance(node, Function)}
    public = {
        function.name
        for path in FILES
        for function, _ in jitted(tree(path))
        if not function.name.startswith("_")
    }
    assert public
    assert public <= names


@pytest.mark.jit
@each_file
def test_compiled_functions_take_no_further_signatures(path: Path) -> None:
    module = importlib.import_module(f"fastdeid.kernels.{path.stem}")
    for function, _ in jitted(tree(path)):
        assert not getattr(module, function.name)._can_compile, function.name
