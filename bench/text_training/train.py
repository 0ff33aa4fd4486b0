"""Train the net with JAX on one thread: `python -m bench.text_training.train PICTURES NET.npz`.

The pictures are a folder with index.csv and PNG files (bench/text_training/pictures.py). The same
seed, steps and versions give the same weights on the same machine.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from bench.text_training import samples

# Kernel side, channels in and out, stride, dilation; those of stride 1 and side 3 are residual.
LAYERS: Final = (
    (5, 2, 12, 2, 1),
    (3, 12, 24, 2, 1),
    (3, 24, 24, 1, 1),
    (3, 24, 24, 1, 2),
    (3, 24, 24, 1, 4),
    (1, 24, 1, 1, 1),
)
BATCH: Final = 16
_RING: Final = 3000
_NEW_PER_STEP: Final = 6
_HARD: Final = 0.02

Weights = list[tuple[Any, Any]]


def inputs(views: Any) -> Any:
    """Return two channels per view, (n, rows, columns, 2): grey, grey less its surroundings."""
    out = np.empty((*views.shape, 2), np.float32)
    for number, view in enumerate(views):
        grey = view.astype(np.float32)
        mean = cv2.blur(grey, (25, 25))
        spread = np.sqrt(np.maximum(cv2.blur(grey * grey, (25, 25)) - mean * mean, 0))
        out[number, ..., 0] = grey / 128 - 1
        out[number, ..., 1] = (grey - mean) / (spread + 6)
    return out


def initial(seed: int) -> Weights:
    """Return random weights, He et al. 2015."""
    rng = np.random.default_rng(seed)
    weights: Weights = []
    for side, before, after, _, _ in LAYERS:
        spread = np.sqrt(2 / (side * side * before))
        kernel = rng.standard_normal((side, side, before, after)) * spread
        weights.append((jnp.asarray(kernel, jnp.float32), jnp.zeros(after, jnp.float32)))
    return weights


def logits(weights: Weights, x: Any) -> Any:
    """Return the logit of text per cell, (n, rows / 4, columns / 4)."""
    for number, ((side, _, _, stride, dilation), (kernel, bias)) in enumerate(
        zip(LAYERS, weights, strict=True)
    ):
        pad = dilation * (side // 2)
        y = jax.lax.conv_general_dilated(
            x,
            kernel,
            (stride, stride),
            ((pad, pad), (pad, pad)),
            rhs_dilation=(dilation, dilation),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        y = y + bias
        if side == 3 and stride == 1:
            y = y + x
        x = y if number == len(LAYERS) - 1 else jax.nn.relu(y)
    return x[..., 0]


def loss(weights: Weights, x: Any, label: Any, weight: Any) -> Any:
    """Cross-entropy: text, all the rest, and the hardest of the rest, a third each."""
    z = logits(weights, x)
    entropy = jnp.maximum(z, 0) - z * label + jnp.log1p(jnp.exp(-jnp.abs(z)))
    text, rest = label * weight, (1 - label) * weight
    hard = jax.lax.top_k((entropy * rest).ravel(), int(_HARD * z.size))[0]
    return (
        (entropy * text).sum() / (text.sum() + 1)
        + (entropy * rest).sum() / (rest.sum() + 1)
        + hard.mean() * 0.5
    )


@partial(jax.jit, donate_argnums=(0, 1, 2))
def advance(
    weights: Weights, first: Weights, second: Weights, step: Any, rate: Any, *batch: Any
) -> tuple[Any, Weights, Weights, Weights]:
    """One step of Adam."""
    value, slope = jax.value_and_grad(loss)(weights, *batch)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
    second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, second, slope)

    def moved(w: Any, m: Any, v: Any) -> Any:
        return w - rate * (m / (1 - 0.9**step)) / (jnp.sqrt(v / (1 - 0.99**step)) + 1e-7)

    return value, jax.tree.map(moved, weights, first, second), first, second


def batches(pictures: Path, seed: int, *, textures: bool) -> Iterator[tuple[Any, Any, Any]]:
    """Yield batches from a ring of samples that is renewed as training goes on, forever."""
    views = samples.load_views(pictures)
    rng = np.random.default_rng((seed, 1))
    ring = [
        samples.draw_sample(views, (seed, 2, number), textures=textures)
        for number in range(BATCH * 4)
    ]
    number = len(ring)
    while True:
        for _ in range(_NEW_PER_STEP):
            new = samples.draw_sample(views, (seed, 2, number), textures=textures)
            number += 1
            if len(ring) < _RING:
                ring.append(new)
            else:
                ring[int(rng.integers(_RING))] = new
        drawn = [ring[int(one)] for one in rng.integers(0, len(ring), BATCH)]
        x = np.stack([sample.view for sample in drawn])
        gain = rng.uniform(0.6, 1.15, (BATCH, 1, 1)) * rng.choice([1, 1, 1, -1], (BATCH, 1, 1))
        shift = np.where(gain < 0, 255, 0) + rng.uniform(-15, 15, (BATCH, 1, 1))
        x = np.clip(x * gain + shift, 0, 255).astype(np.uint8)
        label = np.stack([sample.label for sample in drawn])
        yield inputs(x), label, np.stack([sample.weight for sample in drawn])


def save(path: Path, weights: Weights) -> None:
    """Write the weights: w0, b0, w1, ... as float32, kernels as (side, side, in, out)."""
    named: dict[str, Any] = {f"w{n}": np.asarray(kernel) for n, (kernel, _) in enumerate(weights)}
    named |= {f"b{n}": np.asarray(bias) for n, (_, bias) in enumerate(weights)}
    np.savez(path, **named)


def load(path: Path) -> Weights:
    """Read what `save` wrote."""
    with np.load(path) as named:
        return [
            (jnp.asarray(named[f"w{n}"]), jnp.asarray(named[f"b{n}"])) for n in range(len(LAYERS))
        ]


def main() -> None:
    """Train, printing the loss, and write the weights every 250 steps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path)
    parser.add_argument("net", type=Path)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--textures", action="store_true", help="also draw pictures of edges")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    weights = load(given.start) if given.start else initial(given.seed)
    first = jax.tree.map(jnp.zeros_like, weights)
    second = jax.tree.map(jnp.zeros_like, weights)
    supply = batches(given.pictures, given.seed, textures=given.textures)
    mean, began = 0.0, time.process_time()
    for step in range(1, given.steps + 1):
        warm = min(1.0, step / 100)
        rate = given.rate * warm * 0.5 * (1 + np.cos(np.pi * step / given.steps)) + 1e-5
        value, weights, first, second = advance(
            weights, first, second, float(step), float(rate), *next(supply)
        )
        mean += (float(value) - mean) / min(step, 200)
        if step % 250 == 0 or step == given.steps:
            print(f"{step} {mean:.4f} {time.process_time() - began:.0f} s", flush=True)
            save(given.net, weights)


if __name__ == "__main__":
    main()
