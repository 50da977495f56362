"""A small network that PyTorch exported predicts the same here, is cut, gets a head and is tuned.

Runs in the environment of the peers. torch.onnx's new exporter wants onnxscript, so the one that it
had before is used.
"""

import io
import sys
import warnings

import numpy as np
import torch

from andiron import Model, layers, onnx

RNG = np.random.default_rng(5)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, padding=1),
            torch.nn.BatchNorm2d(8),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(8, 8, 3, groups=2),
            torch.nn.ReLU(),
        )
        self.drop = torch.nn.Dropout(0.2)
        self.head = torch.nn.Linear(8 * 2 * 2, 5)

    def forward(self, x):
        h = self.features(x)
        h = h.view(h.size(0), -1)  # Shape, Gather, Concat, Reshape
        return self.head(self.drop(h))


def main() -> int:
    torch.manual_seed(0)
    net = Net().eval()
    net.features[1].running_mean.normal_()
    net.features[1].running_var.uniform_(0.5, 2)
    x = RNG.normal(size=(4, 3, 8, 8)).astype("float32")
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (torch.from_numpy(x),),
            out,
            dynamo=False,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "batch"}},
            opset_version=17,
        )
    data = out.getvalue()
    wanted = net(torch.from_numpy(x)).detach().numpy()
    ours = onnx.load(data)
    error = float(np.abs(ours.predict(x) - wanted).max())
    rows = RNG.normal(size=(7, 3, 8, 8)).astype("float32")
    error = max(
        error,
        float(np.abs(ours.predict(rows) - net(torch.from_numpy(rows)).detach().numpy()).max()),
    )
    print("layers:", [layer.name for layer in ours.layers])
    print(f"difference from PyTorch: {error:.1e}")
    base_name = [layer for layer in ours.layers if "Reshape" in layer.name][-1].name
    value = "/" + base_name.replace(".", "/") + "_output_0"
    base = onnx.load(data, outputs=[value])
    base.trainable = False
    tuned = Model(base.inputs, layers.Dense(2, activation="softmax")(base.outputs[0]))
    tuned.compile("adam", "sparse_categorical_crossentropy")
    xs = RNG.normal(size=(64, 3, 8, 8)).astype("float32")
    ys = (xs.mean((1, 2, 3)) > 0).astype("int32")
    losses = tuned.fit(xs, ys, epochs=6, verbose=0).history["loss"]
    base.trainable = True
    tuned.compile("adam", "sparse_categorical_crossentropy")
    more = tuned.fit(xs, ys, epochs=6, verbose=0).history["loss"]
    print(f"loss: head only {losses[0]:.3f} to {losses[-1]:.3f}, all {more[-1]:.3f}")
    return int(not (error < 1e-5 and losses[-1] < losses[0] and more[-1] < losses[-1]))


if __name__ == "__main__":
    sys.exit(main())
