"""Rows of a DataFrame, dealt to workers by their content.

A row's shard is a hash of its content, so it does not depend on how the DataFrame is partitioned,
on the order of its rows, or on the number of workers: the same rows make the same batches, also
when Spark computes a lost partition again and finds another order. The shuffle that deals them is
needed in any case, since a barrier stage must have as many partitions as workers from end to end.
"""

from __future__ import annotations

from typing import Any

from andiron.spark._columns import quoted
from andiron.spark._worker import TAG

DEFAULT_SHARDS = 32
_MASK = 0xFFFFFFFF


def shards_for(num_workers: int) -> int:
    """The number of shards: the same for all usual numbers of workers."""
    shards = DEFAULT_SHARDS
    while shards < num_workers:
        shards *= 2
    return shards


def dealt(
    frame: Any,
    num_workers: int,
    n_shards: int,
    validation: str | None = None,
    shard_of: Any = None,
) -> Any:
    """The frame with TAG, in one partition for each worker, ordered by TAG.

    TAG is the shard, a hash of the row or the expression `shard_of`; with the name of a validation
    column (of booleans, null is false), which is dropped, it is 2 * shard + whether the row is one
    of those.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import MapType

    hashed = [
        F.col(quoted(f.name))
        for f in frame.schema
        if f.name != validation and not isinstance(f.dataType, MapType)
    ]
    if shard_of is None:
        shard_of = F.pmod(F.xxhash64(*hashed), F.lit(n_shards))
    tag = shard_of.cast("int")
    shard = F.col(TAG)
    if validation is not None:
        held_out = F.coalesce(F.col(quoted(validation)).cast("boolean"), F.lit(False))
        tag, shard = tag * 2 + held_out.cast("int"), F.floor(shard / 2)
    keys = F.array(*(F.lit(key) for key in partition_keys(num_workers)))
    tagged = frame.withColumn(TAG, tag)
    if validation is not None:
        tagged = tagged.drop(validation)
    target = F.element_at(keys, (shard % num_workers + 1).cast("int"))
    return tagged.repartition(num_workers, target).sortWithinPartitions(TAG)


def partition_keys(n: int) -> list[int]:
    """An integer for each partition that Spark's hash partitioning puts there."""
    keys: dict[int, int] = {}
    key = 0
    while len(keys) < n:
        keys.setdefault(murmur3(key) % n, key)
        key += 1
    return [keys[i] for i in range(n)]


def murmur3(value: int, seed: int = 42) -> int:
    """Spark's hash of a 32-bit integer (Murmur3_x86_32 by Austin Appleby), signed."""
    k = _rotated((value * 0xCC9E2D51) & _MASK, 15) * 0x1B873593 & _MASK
    h = (_rotated(seed ^ k, 13) * 5 + 0xE6546B64) & _MASK
    h ^= 4
    h = ((h ^ h >> 16) * 0x85EBCA6B) & _MASK
    h = ((h ^ h >> 13) * 0xC2B2AE35) & _MASK
    h ^= h >> 16
    return h - (1 << 32) if h >> 31 else h


def _rotated(x: int, by: int) -> int:
    return ((x << by) | (x >> (32 - by))) & _MASK
