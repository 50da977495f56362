"""What every recommender does: scores and recommendations for ids, saving, loading."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from safetensors.numpy import load_file, save_file

from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.history import Histories
from andiron.apps.recommend.ids import UNKNOWN, IdMap
from andiron.apps.recommend.ranking import top_k
from andiron.apps.recommend.settings import checked

BATCH = 64  # users scored at a time


class Recommender:
    """A recommender over id maps. Subclasses give `Settings`, `fit`, `_score`, `_state`,
    `_restore`, `probabilities`.

    Ids that training did not see: such a user gets the most popular items; such an item gets the
    lowest score (minus infinity in `scores_of`, zero in `predict`).

    Args:
        settings: fields of `Settings`, by name; the others keep their defaults.
    """

    name: ClassVar[str]
    Settings: ClassVar[type]

    def __init__(self, **settings) -> None:
        self.settings = checked(self.name, self.Settings, settings)
        self.curves: dict[str, list[float]] = {}
        self._histories: Histories | None = None

    def _remember(self, data: Interactions, seed: int = 0, noise: np.ndarray | None = None) -> None:
        """Keeps ids, and who met what."""
        self.users, self.items = data.users, data.items
        self._histories = Histories.of(data, seed, noise)
        self._popularity = data.popularity().astype(np.float32)

    # Using ------------------------------------------------------------------------------------

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores [n, n_items] float32 of all items for user rows; a `ranking.Scorer`.

        UNKNOWN rows get scores in the order of the items' popularity.
        """
        self._require_fit()
        users = np.asarray(users)
        out = np.empty((len(users), len(self.items)), np.float32)
        out[:] = self._scores_of_strangers()
        known = np.flatnonzero(users != UNKNOWN)
        for start in range(0, len(known), BATCH):
            lines = known[start : start + BATCH]
            out[lines] = self._score(users[lines])
        return out

    def scores_of(self, users: Sequence, items: Sequence) -> np.ndarray:
        """Scores [n] of (user id, item id) pairs; minus infinity for an unseen item."""
        rows, columns = self._rows_of_pairs(users, items)
        distinct, line = np.unique(rows, return_inverse=True)
        out = np.full(len(rows), -np.inf, np.float32)
        for start in range(0, len(distinct), BATCH):
            scores = self.scores(distinct[start : start + BATCH])
            here = (line >= start) & (line < start + BATCH) & (columns != UNKNOWN)
            out[here] = scores[line[here] - start, columns[here]]
        return out

    def predict(self, users: Sequence, items: Sequence) -> np.ndarray:
        """Estimates [n] in [0, 1] of (user id, item id) pairs; zero for an unseen item. What they
        mean says `probabilities`."""
        rows, columns = self._rows_of_pairs(users, items)
        out = np.zeros(len(rows), np.float32)
        there = (rows != UNKNOWN) & (columns != UNKNOWN)
        if there.any():
            out[there] = self._predict(rows[there], columns[there])
        strangers = (rows == UNKNOWN) & (columns != UNKNOWN)
        if strangers.any():
            every = self.probabilities(self._scores_of_strangers()[None].astype(np.float32))
            out[strangers] = every[0, columns[strangers]]
        return out

    def _rows_of_pairs(self, users: Sequence, items: Sequence) -> tuple[np.ndarray, np.ndarray]:
        """Rows of as many users as items."""
        self._require_fit()
        rows, columns = self.users.rows(users), self.items.rows(items)
        if len(rows) != len(columns):
            raise ValueError(
                f"[{self.name}] as many users as items; got {len(rows)} and {len(columns)}"
            )
        return rows, columns

    def _predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Estimates [n] for rows of users and items."""
        distinct, line = np.unique(users, return_inverse=True)
        out = np.empty(len(users), np.float32)
        for start in range(0, len(distinct), BATCH):
            found = self._estimates(self.scores(distinct[start : start + BATCH]))
            here = (line >= start) & (line < start + BATCH)
            out[here] = found[line[here] - start, items[here]]
        return out

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Scores of all items for some users [n, n_items], as estimates in [0, 1]."""
        raise NotImplementedError

    def _estimates(self, scores: np.ndarray) -> np.ndarray:
        """Such scores as what `predict` gives."""
        return self.probabilities(scores)

    def recommend(self, user, k: int = 10, exclude_seen: bool = True) -> list[tuple]:
        """The k best items of one user: (item id, score) pairs, best first.

        An unseen user gets the most popular items.

        Raises:
            ValueError: several users are given, which are for `recommend_all`.
        """
        if isinstance(user, (list, tuple, set, dict)) or getattr(user, "shape", ()) != ():
            raise ValueError(
                f"[{self.name}] recommend takes one user's id, recommend_all(users=) several; got "
                f"{user!r}"
            )
        items, scores = self.recommend_all(k, exclude_seen, users=[user])
        return [
            (i, s)
            for i, s in zip(items[0].tolist(), scores[0].tolist(), strict=True)
            if s > -np.inf
        ]

    def recommend_all(
        self, k: int = 10, exclude_seen: bool = True, users: Sequence | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k best items of every user (or of the ids `users`), in one go.

        Returns:
            Item ids and scores, both [n_users, min(k, n_items)], best first. Where a user has seen
            so much that fewer remain, the score of the rest is minus infinity.
        """
        items, scores, _ = self._best(k, exclude_seen, users, chances=False)
        return items, scores

    def recommend_with_chances(
        self, k: int = 10, exclude_seen: bool = True, users: Sequence | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`recommend_all` with the `probabilities` of each pair as a third array."""
        return self._best(k, exclude_seen, users, chances=True)

    def _best(self, k: int, exclude_seen: bool, users: Sequence | None, chances: bool):
        self._require_fit()
        if not isinstance(k, (int, np.integer)) or k < 1:
            raise ValueError(f"[{self.name}] k is a whole number from 1; got {k!r}")
        rows = np.arange(len(self.users)) if users is None else self.users.rows(users)
        found: tuple[list, list, list] = ([], [], [])
        for start in range(0, max(len(rows), 1), BATCH):
            batch = rows[start : start + BATCH]
            scores = self.scores(batch)
            estimates = self.probabilities(scores) if chances else scores  # of all items
            if exclude_seen:
                for line, user in enumerate(batch):
                    if user != UNKNOWN:
                        scores[line, self._histories.seen(user)] = -np.inf
            best = top_k(scores, k)
            found[0].append(self.items.ids[best])
            found[1].append(np.take_along_axis(scores, best, axis=1))
            found[2].append(np.take_along_axis(estimates, best, axis=1))
        return tuple(map(np.concatenate, found))

    def similar_items(self, item, k: int = 10) -> list[tuple]:
        """The k items that are most like one: (item id, similarity) pairs, best first.

        What a similarity is depends on the model: the cosine of what it has learnt of both items
        (factors, embeddings, the weights of their scores), or how often the same users met both.

        Raises:
            ValueError: training did not see the item, or the model knows nothing of items but how
                popular they are.
        """
        self._require_fit()
        if not isinstance(k, (int, np.integer)) or k < 1:
            raise ValueError(f"[{self.name}] k is a whole number from 1; got {k!r}")
        row = int(self.items.rows([item])[0])
        if row == UNKNOWN:
            raise ValueError(f"[{self.name}] training saw no item {item!r}")
        similar = self._similarities(row)
        if similar is None:
            raise ValueError(f"[{self.name}] does not know which items are alike")
        similar = np.array(similar, np.float32)[None]
        similar[0, row] = -np.inf
        best = top_k(similar, min(k, len(self.items) - 1))[0] if len(self.items) > 1 else []
        return [(self.items.ids[i].item(), float(similar[0, i])) for i in best]

    def aligned(self, test: Interactions) -> tuple[Interactions, Interactions, int]:
        """What the model has seen, and `test` in the model's rows, for `ranking.evaluate`.

        Returns:
            seen; test without unseen ids and pairs met in training; how many were left out.

        Raises:
            ValueError: nothing is left.
        """
        self._require_fit()
        h = self._histories
        seen = Interactions(self.users, self.items, h.user, h.items)
        user = self.users.rows(test.users.ids)[test.user]
        item = self.items.rows(test.items.ids)[test.item]
        known = (user != UNKNOWN) & (item != UNKNOWN)
        known &= ~np.isin(user * h.n_items + item, h.user * np.int64(h.n_items) + h.items)
        if not known.any():
            raise ValueError(
                f"[{self.name}] no line of the table has a known user, a known item and a pair "
                "that training did not see"
            )
        left_out = len(test) - int(known.sum())
        return seen, Interactions(self.users, self.items, user[known], item[known]), left_out

    # By workers (crew.Crew): `_fit(data, user_features, item_features, crew, on_epoch, verbose,
    # noise)` of each, of which this process has the interactions `data` -------------------------

    def _complete(self, users: IdMap, items: IdMap, histories: Histories, state: dict,
                  content: dict) -> None:  # fmt: skip
        """Takes what workers trained (`_state`, `_content`) as this model's own."""
        self.users, self.items, self._histories = users, items, histories
        self._popularity = np.bincount(histories.items, minlength=len(items)).astype(np.float32)
        self._restore(state, content)

    def _features_of(self, table) -> None:
        """What the model reads of a table of features of users or items; None: nothing."""
        return None

    def _state_bytes(self) -> int:
        """About how much memory `_state` takes, of a model that knows its users and items."""
        raise NotImplementedError

    # Files ------------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> None:
        """Writes weights.safetensors, histories.safetensors, users.json, items.json and
        model.json into `folder`, which is made where it is missing."""
        self._require_fit()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.users.save(folder / "users.json")
        self.items.save(folder / "items.json")
        h = self._histories
        save_file({"items": h.items, "starts": h.starts}, folder / "histories.safetensors")
        state = {name: np.ascontiguousarray(array) for name, array in self._state().items()}
        save_file(state, folder / "weights.safetensors")
        content = {
            "format": 1,
            "model": self.name,
            "settings": dataclasses.asdict(self.settings),
            "curves": self.curves,
            **self._content(),
        }
        (folder / "model.json").write_text(json.dumps(content, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path):
        """Reads what `save` wrote.

        Raises:
            ValueError: the files are of another model or damaged.
            OSError: a file is missing.
        """
        folder = Path(folder)
        try:
            content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            if content["model"] != cls.name or content["format"] != 1:
                raise ValueError(f"it holds a {content['model']!r}, format {content['format']}")
            model = cls(**content["settings"])
            model.curves = content["curves"]
            model.users = IdMap.load(folder / "users.json")
            model.items = IdMap.load(folder / "items.json")
            kept = load_file(folder / "histories.safetensors")
            h = Histories(kept["items"], kept["starts"], len(model.items))
            if len(h.starts) != len(model.users) + 1 or h.starts[-1] != len(h.items):
                raise ValueError("its histories do not fit its users")
            model._histories = h
            model._popularity = np.bincount(h.items, minlength=h.n_items).astype(np.float32)
            model._restore(load_file(folder / "weights.safetensors"), content)
            return model
        except OSError:
            raise
        except Exception as error:
            raise ValueError(f"[{cls.name}] {folder} is not such a model: {error}") from error

    # For subclasses -----------------------------------------------------------------------------

    def _score(self, users: np.ndarray) -> np.ndarray:
        """[n] known rows -> [n, n_items]."""
        raise NotImplementedError

    def _similarities(self, row: int) -> np.ndarray | None:
        """How like an item every item is, [n_items]; None if the model cannot tell."""
        return None

    def _scores_of_strangers(self) -> np.ndarray:
        """[n_items], for users whom training did not see."""
        return np.log(np.maximum(self._popularity, 0.5) / self._popularity.sum())

    def _state(self) -> dict[str, np.ndarray]:
        """What training made, by name."""
        raise NotImplementedError

    def _content(self) -> dict:
        """More of model.json."""
        return {}

    def _restore(self, state: dict[str, np.ndarray], content: dict) -> None:
        """Takes back `_state` and model.json, with ids, histories and settings in place."""
        raise NotImplementedError

    @staticmethod
    def _cosines(vectors: np.ndarray, row: int) -> np.ndarray:
        """Cosines of one line of `vectors` [n_items, d] with all; 0 for a line of zeros."""
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(vectors[row])
        return vectors @ vectors[row] / np.maximum(lengths, 1e-12)

    def _require_some(self, data: Interactions) -> None:
        if len(data) == 0:
            raise ValueError(f"[{self.name}] training needs interactions; the table has none")

    def _require_fit(self) -> None:
        if self._histories is None:
            raise ValueError(f"[{self.name}] train the model with fit, or load one, before use")


def load(folder: str | Path) -> Any:
    """Loads a saved Recommender, whichever it is, or a Propensity."""
    from andiron.apps.recommend import models

    if (Path(folder) / "propensity.json").exists():
        from andiron.apps.recommend.propensity import Propensity

        return Propensity.load(folder)
    try:
        name = json.loads((Path(folder) / "model.json").read_text(encoding="utf-8"))["model"]
        kind = {cls.name: cls for cls in models.KINDS}[name]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"[recommend] {folder} is not a saved recommender: {error}") from error
    return kind.load(folder)
