"""A generative adversarial network (Goodfellow et al. 2014) on scikit-learn's handwritten digits.

    python examples/gan_digits.py --epochs 150

Two compiled steps take turns: one moves the judge, the other the generator. Afterwards a classifier
that has learnt the real digits says what it sees in the generated ones. Takes half a minute.
"""

from __future__ import annotations

import argparse

import numpy as np
from andiron.sklearn import AndironClassifier
from sklearn.datasets import load_digits

import andiron
from andiron import Input, Sequential, layers, ops, optimizers

NOISE = 16


class GAN(andiron.Model):
    """A generator of digits [64] from noise, and a judge of whether digits are real."""

    def __init__(self, seed: int = 0):
        super().__init__()
        self.generator = Sequential(
            [
                Input((NOISE,)),
                layers.Dense(128, "relu"),
                layers.BatchNormalization(),
                layers.Dense(128, "relu"),
                layers.BatchNormalization(),
                layers.Dense(64, "sigmoid"),
            ]
        )
        self.judge = Sequential(
            [
                Input((64,)),
                layers.Dense(128),
                layers.Lambda(lambda x: ops.leaky_relu(x, 0.2)),
                layers.Dropout(0.3),
                layers.Dense(64),
                layers.Lambda(lambda x: ops.leaky_relu(x, 0.2)),
                layers.Dense(1),
            ]
        )
        self.random = np.random.default_rng(seed)

    def compile(self, learning_rate: float = 2e-3) -> None:
        super().compile()

        # Crossentropies of logits; 0.9 in place of 1 keeps the judge from being too sure.
        def told_apart(real, noise):
            yes, no = self.judge(real), self.judge(self.generator(noise))
            return ops.mean(0.9 * ops.softplus(-yes) + 0.1 * ops.softplus(yes) + ops.softplus(no))

        def fooled(noise):
            return ops.mean(ops.softplus(-self.judge(self.generator(noise))))

        adam = lambda: optimizers.Adam(learning_rate, beta_1=0.5)  # noqa: E731
        self.judging = andiron.training_step(told_apart, adam(), self.judge)
        self.generating = andiron.training_step(fooled, adam(), self.generator)

    def noise(self, n: int) -> np.ndarray:
        return self.random.normal(size=(n, NOISE)).astype("float32")

    def train_step(self, real):
        return {
            "d_loss": self.judging(real, self.noise(len(real))),
            "g_loss": self.generating(self.noise(len(real))),
        }


def picture(digits: np.ndarray) -> str:
    """Digits [n, 64] side by side, in characters."""
    shades = " .:-=+*#%@"
    rows = digits.reshape(-1, 8, 8).transpose(1, 0, 2)
    return "\n".join(
        "  ".join("".join(2 * shades[int(9 * p)] for p in row) for row in line) for line in rows
    )


def main(epochs: int = 150, seed: int = 0) -> dict[str, float]:
    pixels, classes = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype("float32")
    andiron.set_random_seed(seed)
    gan = GAN(seed)
    gan.compile()
    history = gan.fit(pixels, batch_size=64, epochs=epochs, verbose=0, seed=seed).history
    made = gan.generator.predict(gan.noise(1000), verbose=0)

    reader = AndironClassifier(max_iter=30, tol=None, random_state=0).fit(pixels, classes)
    sure = reader.predict_proba(made).max(axis=1) > 0.9
    seen = np.bincount(reader.predict(made[sure]), minlength=10)
    print(picture(made[:8]))
    found = {
        "read": float(sure.mean()),
        "digits": int((seen > 0).sum()),
        "d_loss": history["d_loss"][-1],
        "g_loss": history["g_loss"][-1],
    }
    print(f"{found['read']:.0%} of 1000 are read as a digit with more than 90 % certainty, "
          f"{found['digits']} different ones: {seen.tolist()}")  # fmt: skip
    return found


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--epochs", type=int, default=150)
    arguments.add_argument("--seed", type=int, default=0)
    main(**vars(arguments.parse_args()))
