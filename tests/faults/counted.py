"""Compiled kernels whose branches count how often they are taken, to guide a fuzzer.

A copy of each kernel gets a count at the head of every block, compiled into one instruction that
adds to a byte at an address of its own. libFuzzer reads these bytes as it reads those of C code.
"""

from __future__ import annotations

import ast
import ctypes
import hashlib
import importlib
import mmap
import sys
from pathlib import Path
from typing import Any, Final

import numba as nb
from llvmlite import ir
from numba.core import types

import fastdeid.kernels

# Machine code that is cached names it, so it is the same in every process.
ADDRESS: Final = 0x5FD0_0000_0000
MOST: Final = 1 << 16
_FIXED: Final = 0x10_0000  # MAP_FIXED_NOREPLACE
_FUZZER: Final = "atheris.core_with_libfuzzer"
_HEAD: Final = "from tests.faults.counted import hit as _hit\n"


@nb.extending.intrinsic  # type: ignore[untyped-decorator]
def hit(context: Any, number: Any) -> Any:
    """Count that a block was entered."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        at = builder.add(arguments[0], ir.Constant(word, ADDRESS))
        counter = builder.inttoptr(at, ir.IntType(8).as_pointer())
        builder.store(builder.add(builder.load(counter), ir.Constant(ir.IntType(8), 1)), counter)
        return context.get_dummy_value()

    return types.void(types.int64), generate


class _Counting(ast.NodeTransformer):
    """Puts a count at the head of every block of every function of a module."""

    def __init__(self, first: int) -> None:
        self.next = first
        self._inside = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self._inside = True
        self.generic_visit(node)
        self._inside = False
        node.body = [*self._after_docstring(node)]
        return node

    def _after_docstring(self, node: ast.FunctionDef) -> list[ast.stmt]:
        documented = ast.get_docstring(node) is not None
        return [*node.body[:documented], self._count(), *node.body[documented:]]

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if self._inside and isinstance(node, ast.If | ast.For | ast.While):
            node.body.insert(0, self._count())
            if node.orelse or isinstance(node, ast.If):
                node.orelse.insert(0, self._count())
        return node

    def _count(self) -> ast.stmt:
        self.next += 1
        call = ast.Call(ast.Name("_hit", ast.Load()), [ast.Constant(self.next - 1)], [])
        return ast.Expr(call)


def install(folder: Path) -> int:
    """Let `fastdeid.kernels` be copies that count, in a folder; return how many blocks there are.

    To be called before a kernel is imported.
    """
    assert not any(name.startswith("fastdeid.kernels.") for name in sys.modules)
    sources = {path.name: path.read_text() for path in sorted(_originals().glob("*.py"))}
    digest = hashlib.sha256(repr((sources, Path(__file__).read_text())).encode()).hexdigest()
    place = folder / digest[:16]
    place.mkdir(parents=True, exist_ok=True)
    blocks = 0
    for name, source in sources.items():
        counting = _Counting(blocks)
        module = counting.visit(ast.parse(source))
        after = next(
            (at + 1 for at, one in enumerate(module.body) if isinstance(one, ast.ImportFrom)), 0
        )
        module.body[after:after] = ast.parse(_HEAD).body
        blocks = counting.next
        text = ast.unparse(ast.fix_missing_locations(module))
        if not (place / name).exists():
            (place / name).write_text(text)
    assert blocks <= MOST
    _map()
    fastdeid.kernels.__path__ = [str(place)]
    return blocks


def _originals() -> Path:
    return Path(next(iter(fastdeid.kernels.__path__)))


def _map() -> None:
    """Have memory at the address."""
    call = ctypes.CDLL(None, use_errno=True).mmap
    call.restype = ctypes.c_void_p
    call.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _FIXED
    got = call(ADDRESS, MOST, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
    if got != ADDRESS:
        raise OSError(ctypes.get_errno(), "the counters have no place")


def counts(blocks: int) -> bytes:
    """Return the counters."""
    return ctypes.string_at(ADDRESS, blocks)


def tell(blocks: int) -> None:
    """Let atheris' libFuzzer see the counters."""
    fuzzer = ctypes.CDLL(importlib.import_module(_FUZZER).__file__)
    fuzzer.__getattr__("__sanitizer_cov_8bit_counters_init")(
        ctypes.c_void_p(ADDRESS), ctypes.c_void_p(ADDRESS + blocks)
    )
    # It wants to know where each is; nothing looks there.
    table = (ctypes.c_uint64 * (2 * blocks))(
        *(word for n in range(blocks) for word in (ADDRESS + n, 0))
    )
    _TABLES.append(table)
    start = ctypes.addressof(table)
    fuzzer.__getattr__("__sanitizer_cov_pcs_init")(
        ctypes.c_void_p(start), ctypes.c_void_p(start + ctypes.sizeof(table))
    )


_TABLES: Final[list[Any]] = []
