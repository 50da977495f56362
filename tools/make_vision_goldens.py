"""Writes tests/goldens/vision.json: compositions of ops for images as PyTorch computes them.

    pip install torch && python tools/make_vision_goldens.py

Each entry: function, arguments, inputs, outputs, and the gradient of sum_i (1 + i mod 3) output_i
with respect to each input, in float64.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from make_op_goldens import computed, draw

CASES = []


def case(name, function, *inputs, gradient=True, **arguments):
    entry = computed(name, function, inputs, arguments, gradient)
    CASES.append({"function": entry.pop("op"), "arguments": entry.pop("attributes"), **entry})


def transposed(dims, **options):
    return lambda x, w, b=None: getattr(F, f"conv_transpose{dims}d")(x, w, b, **options)


case(
    "conv_transpose",
    transposed(2, stride=2, padding=1, output_padding=1),
    draw(1, 3, 3, 4),
    draw(3, 2, 3, 3),
    draw(2),
    strides=[2],
    pads_begin=[1],
    pads_end=[1],
    output_padding=[1],
)
case(
    "conv_transpose",
    transposed(1, stride=3, groups=2),
    draw(2, 4, 4),
    draw(4, 2, 2),
    strides=[3],
    groups=2,
)
case(
    "conv_transpose",
    transposed(1, dilation=3, output_padding=2),
    draw(2, 2, 4),
    draw(2, 3, 2),
    dilations=[3],
    output_padding=[2],
)
case(
    "conv_transpose",
    transposed(3, stride=2),
    draw(1, 2, 2, 2, 3),
    draw(2, 1, 2, 2, 2),
    draw(1),
    strides=[2],
)


def resized(sizes, **options):
    return lambda x: F.interpolate(x, sizes, **options)


def resize(x, sizes, torch_options, **options):
    case("resize", resized(sizes, **torch_options), x, sizes=sizes, **options)


for sizes in ([5, 9], [2, 3]):
    resize(draw(1, 2, 4, 5), sizes, {"mode": "nearest"}, mode="nearest", coordinates="asymmetric")
    resize(
        draw(1, 2, 4, 5),
        sizes,
        {"mode": "nearest-exact"},
        mode="nearest",
        rounding="round_prefer_ceil",
    )
    resize(draw(1, 2, 4, 5), sizes, {"mode": "bilinear"}, mode="linear")
    resize(
        draw(1, 2, 4, 5),
        sizes,
        {"mode": "bilinear", "align_corners": True},
        mode="linear",
        coordinates="align_corners",
    )
    resize(draw(1, 2, 4, 5), sizes, {"mode": "bicubic"}, mode="cubic")
    resize(
        draw(1, 2, 7, 8),
        sizes,
        {"mode": "bilinear", "antialias": True},
        mode="linear",
        antialias=True,
    )
    resize(
        draw(1, 2, 7, 8),
        sizes,
        {"mode": "bicubic", "antialias": True},
        mode="cubic",
        antialias=True,
    )
resize(draw(1, 2, 5), [9], {"mode": "linear"}, mode="linear")

for out in ([2, 3], [1, 1], [5, 4]):
    case(
        "adaptive_avg_pool",
        lambda x, o=out: F.adaptive_avg_pool2d(x, o),
        draw(1, 2, 6, 7),
        output_size=out,
    )
    case(
        "adaptive_max_pool",
        lambda x, o=out: F.adaptive_max_pool2d(x, o),
        draw(1, 2, 6, 7),
        output_size=out,
    )
case("global_avg_pool", lambda x: x.mean((2, 3)), draw(2, 3, 4, 5))
case("global_max_pool", lambda x: x.amax((2, 3)), draw(2, 3, 4, 5))

for shape in ((4, 3), (2, 3, 4, 2)):
    case(
        "batch_norm",
        lambda x, scale, offset: F.batch_norm(x, None, None, scale, offset, True, eps=1e-3),
        draw(*shape),
        draw(3),
        draw(3),
        epsilon=1e-3,
    )
    case(
        "batch_norm_inference",
        lambda x, scale, offset, mean, variance: F.batch_norm(
            x, mean, variance, scale, offset, eps=1e-5
        ),
        draw(*shape),
        draw(3),
        draw(3),
        draw(3),
        draw(3, low=0.5, high=2),
        epsilon=1e-5,
        gradient=False,
    )

case("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), draw(1, 8, 2, 3), factor=2)
case("channel_shuffle", lambda x: F.channel_shuffle(x, 3), draw(1, 6, 2, 2), groups=3)
for mode, name in (("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")):
    case(
        "pad_edges",
        lambda x, m=mode: F.pad(x, (1, 3, 2, 0), m),
        draw(1, 2, 4, 5),
        low=[0, 0, 2, 1],
        high=[0, 0, 0, 3],
        mode=name,
    )

path = Path(__file__).parent.parent / "tests" / "goldens" / "vision.json"
lines = ",\n".join(json.dumps(e, separators=(",", ":")) for e in CASES)
path.write_text(f'{{"source":"PyTorch {torch.__version__}","cases":[\n{lines}\n]}}\n')
print(f"{len(CASES)} cases, {path.stat().st_size / 1024:.0f} KiB")
