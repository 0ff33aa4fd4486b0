"""`python -m fastdeid` is the command `fastdeid`."""

from __future__ import annotations

from fastdeid.cli import main

if __name__ == "__main__":
    main()
