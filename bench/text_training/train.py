"""Train the net with PyTorch on one thread: `python -m bench.text_training.train PICTURES NET.npz`.

The pictures are a folder with index.csv and PNG files (bench/text_training/pictures.py). The same
seed, steps and versions give the same weights on the same machine.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bench.text_training import model, samples
from fastdeid.pixels.net import planes_of

BATCH: Final = 16
_RING: Final = 3000
_NEW_PER_STEP: Final = 4
# The hardest cells without text: this share of all counts once more.
_HARD: Final = 0.02
# What the gate stops is lost: its text counts so much more than what it lets through.
_GATE_TEXT: Final = 6.0
_GATE_SHARE: Final = 0.3

# Longer gradients are shortened to this.
_LONGEST: Final = 1.0
# So many batches are drawn ahead, in a process of their own.
_AHEAD: Final = 8

Batch = tuple[Tensor, Tensor, Tensor]
Drawn = tuple[Any, Any, Any]


def _coarse(cells: Tensor) -> Tensor:
    """Return the largest of each 2 x 2 cells."""
    return functional.max_pool2d(cells[:, None], 2)[:, 0]


def loss(net: model.Net, planes: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy: text, all the rest, and the hardest of the rest; and that of the gate."""
    gate, logits = net(planes)
    entropy = functional.binary_cross_entropy_with_logits(logits, label, reduction="none")
    text, rest = label * weight, (1 - label) * weight
    hard = (entropy * rest).flatten().topk(int(_HARD * entropy.numel())).values
    own = (
        (entropy * text).sum() / (text.sum() + 1)
        + (entropy * rest).sum() / (rest.sum() + 1)
        + hard.mean() * 0.5
    )
    there = _coarse(text)
    near = functional.max_pool2d(_coarse(label)[:, None], 3, 1, 1)[:, 0]
    clear = (1 - near) * _coarse(weight)
    missed = functional.softplus(-gate) * there
    passed = functional.softplus(gate) * clear
    stopping = _GATE_TEXT * missed.sum() / (there.sum() + 1) + passed.sum() / (clear.sum() + 1)
    return own + _GATE_SHARE * stopping


def batches(
    pictures: Path, seed: int, *, turned: float, heavy: float, hidden: bool
) -> Iterator[Drawn]:
    """Yield batches from a ring of samples that is renewed as training goes on, forever.

    turned: the share of samples turned by 90 degrees. heavy: of lines with thick strokes. hidden:
    lines count also where noise hides them.
    """
    views = samples.load_views(pictures)
    rng = np.random.default_rng((seed, 1))
    draw = partial(samples.draw_sample, views, heavy=heavy, hidden=hidden)
    ring = [draw((seed, 2, number)) for number in range(BATCH * 4)]
    number = len(ring)
    while True:
        for _ in range(_NEW_PER_STEP):
            new = draw((seed, 2, number))
            number += 1
            if len(ring) < _RING:
                ring.append(new)
            else:
                ring[int(rng.integers(_RING))] = new
        drawn = [_turned(ring[int(one)], rng, turned) for one in rng.integers(0, len(ring), BATCH)]
        yield (
            np.stack([planes_of(_relit(one.view, rng)) for one in drawn]),
            np.stack([one.label for one in drawn]),
            np.stack([one.weight for one in drawn]),
        )


def _draw(queue: Any, pictures: Path, seed: int, shares: dict[str, Any]) -> None:
    """Put batches into the queue until the process is ended."""
    cv2.setNumThreads(1)
    for batch in batches(pictures, seed, **shares):
        queue.put(batch)


def _supply(pictures: Path, seed: int, shares: dict[str, Any]) -> Iterator[Batch]:
    """Yield the batches that another process draws."""
    spawned = multiprocessing.get_context("spawn")
    queue = spawned.Queue(_AHEAD)
    spawned.Process(target=_draw, args=(queue, pictures, seed, shares), daemon=True).start()
    while True:
        planes, label, weight = queue.get()
        yield torch.from_numpy(planes), torch.from_numpy(label), torch.from_numpy(weight)


def _relit(view: Any, rng: np.random.Generator) -> Any:
    """Return the view with another contrast and brightness, a quarter of them inverted."""
    gain = rng.uniform(0.6, 1.15) * (-1 if rng.random() < 0.25 else 1)
    shift = rng.uniform(-15, 15) + (255 if gain < 0 else 0)
    levels = np.clip(np.arange(256) * gain + shift, 0, 255).astype(np.uint8)
    return cv2.LUT(view, levels)


def _turned(one: samples.Sample, rng: np.random.Generator, share: float) -> samples.Sample:
    """Return a share of the samples turned by 90 degrees, as is what is written upwards."""
    if rng.random() > share:
        return one
    turns = 1 if rng.random() < 0.75 else 3
    return samples.Sample(*(np.ascontiguousarray(np.rot90(part, turns)) for part in one))


def main() -> None:
    """Train, printing the loss, and write the weights every 250 steps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path)
    parser.add_argument("net", type=Path)
    parser.add_argument("--steps", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--renew", nargs="*", default=[], help="parts that begin anew")
    parser.add_argument("--turned", type=float, default=0.2, help="share of samples turned")
    parser.add_argument("--heavy", type=float, default=0.15, help="share of lines made bold")
    parser.add_argument("--hidden", action="store_true", help="learn what noise hides, too")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    net = model.load(given.start) if given.start else model.initial(given.seed)
    model.renew(net, given.renew, given.seed)
    moving = torch.optim.AdamW(net.parameters(), weight_decay=1e-4, betas=(0.9, 0.99))
    shares = {"turned": given.turned, "heavy": given.heavy, "hidden": given.hidden}
    supply = _supply(given.pictures, given.seed, shares)
    mean, began = 0.0, time.process_time()
    for step in range(1, given.steps + 1):
        warm = min(1.0, step / 100)
        share = 0.5 * (1 + math.cos(math.pi * step / given.steps))
        for group in moving.param_groups:
            group["lr"] = given.rate * warm * share + 1e-5
        planes, label, weight = next(supply)
        value = loss(net, planes.contiguous(memory_format=torch.channels_last), label, weight)
        moving.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), _LONGEST)
        moving.step()
        mean += (value.item() - mean) / min(step, 200)
        if step % 250 == 0 or step == given.steps:
            print(f"{step} {mean:.4f} {time.process_time() - began:.0f} s", flush=True)
            model.save(given.net, net)


if __name__ == "__main__":
    main()
