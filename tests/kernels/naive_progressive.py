"""Plain twin of the kernel of progressive scans, ISO/IEC 10918-1 annex G."""

from __future__ import annotations

from collections.abc import Sequence

from tests.kernels.naive_jpeg import Bits, Block, Codes, Scan


class _Band:
    """A scan of coefficients `first` to `last` from its start: Ah is `high`, Al is `low`."""

    def __init__(self, bits: Bits, band: Sequence[int]) -> None:
        self.bits = bits
        self.first, self.last, self.high, self.low = band
        self.before = [0] * 4
        self.run = 0

    def bit(self) -> int:
        """Return the next bit."""
        return int(self.bits.take(1))

    def dc(self, block: Block, codes: Codes, component: int) -> None:
        """Read the first coefficient, or one more bit of it."""
        if self.high:
            block[0] |= self.bit() << self.low
            return
        size = self.bits.symbol(codes)
        if size > 15:
            raise EOFError
        self.before[component] += self.bits.number(size)
        block[0] = self.before[component] << self.low

    def starts_run(self, run: int) -> None:
        """Note how many blocks have no further coefficient, this one among them."""
        self.run = (1 << run) + (int(self.bits.take(run), 2) if run else 0)

    def ac(self, block: Block, codes: Codes) -> None:
        """Read the band of a block for the first time."""
        k = self.first
        while not self.run and k <= self.last:
            run, size = divmod(self.bits.symbol(codes), 16)
            if size == 0 and run < 15:
                self.starts_run(run)
            elif size == 0:
                k += 16
            else:
                k += run
                if k > self.last:
                    raise EOFError
                block[k] = self.bits.number(size) << self.low
                k += 1
        self.run -= bool(self.run)

    def refined(self, block: Block, k: int) -> None:
        """Read one more bit of a coefficient that is not 0."""
        if self.bit():
            block[k] += (1 if block[k] > 0 else -1) << self.low

    def passed(self, block: Block, k: int, run: int) -> int:
        """Refine what is not 0, up to the first 0 behind `run` others."""
        while k <= self.last and (block[k] or run):
            if block[k]:
                self.refined(block, k)
            else:
                run -= 1
            k += 1
        return k

    def refine(self, block: Block, codes: Codes) -> None:
        """Read one more bit of the band of a block, and new coefficients of one bit."""
        k = self.first
        while not self.run and k <= self.last:
            run, size = divmod(self.bits.symbol(codes), 16)
            if size > 1:
                raise EOFError
            value = ((1 if self.bit() else -1) << self.low) if size else 0
            if not size and run < 15:
                self.starts_run(run)
                break
            k = self.passed(block, k, run)
            if value and k > self.last:
                raise EOFError
            if value:
                block[k] = value
            k += 1
        if self.run:
            for later in range(k, self.last + 1):
                if block[later]:
                    self.refined(block, later)
            self.run -= 1


def read_progressive(
    parts: Sequence[bytes], scan: Scan, band: Sequence[int], blocks: Sequence[Block]
) -> list[Block] | None:
    """Return blocks, in the order of the scan, with what it adds; None for damaged data."""
    found = [list(block) for block in blocks]
    left = iter(found)
    try:
        for number, data in enumerate(parts):
            reader = _Band(Bits(data), band)
            for _ in range(min(scan.interval, scan.n_mcus - number * scan.interval)):
                for unit in scan.units:
                    block = next(left)
                    if band[0] == 0:
                        reader.dc(block, scan.tables[unit.dc], unit.component)
                    elif band[2] == 0:
                        reader.ac(block, scan.tables[unit.ac])
                    else:
                        reader.refine(block, scan.tables[unit.ac])
    except EOFError:
        return None
    return found
