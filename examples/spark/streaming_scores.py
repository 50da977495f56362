"""Scores rows as files of them arrive in a folder: every row once, however often this is killed.

    spark-submit examples/spark/streaming_scores.py --model models/price \
        --schema "id long, a double" --rows incoming --scores scores --state scores-state

The folder of rows is the stream: a file that is moved into it (whole, by a rename) is a part of it.
Spark notes in --state which files a batch has before it works on it, and in --scores which files of
scores are of a batch that was finished. So a batch that was cut off is done again over the same
rows, and what it had left behind is not read. Those notes are for readers that know them:
`spark.read.parquet("scores")` does.
"""

from __future__ import annotations

import argparse

from pyspark.sql import SparkSession

import andiron


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="what andiron.spark.Model.save wrote")
    parser.add_argument("--schema", required=True, help='of the rows: "id long, a double"')
    parser.add_argument("--rows", required=True, help="the folder where files of rows arrive")
    parser.add_argument("--format", default="parquet", help="of these files: parquet, json, csv")
    parser.add_argument("--scores", required=True, help="the folder for rows with predictions")
    parser.add_argument("--state", required=True, help="the folder for what is done; keep it")
    parser.add_argument("--files", type=int, default=100, help="in a batch, at most")
    parser.add_argument("--until-done", action="store_true", help="end when all files are scored")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    session = SparkSession.builder.appName("streaming scores").getOrCreate()
    model = andiron.spark.Model.load(given.model)
    rows = (
        session.readStream.format(given.format)
        .schema(given.schema)
        .option("maxFilesPerTrigger", given.files)
        .load(given.rows)
    )
    until = {"availableNow": True} if given.until_done else {"processingTime": "1 second"}
    query = (
        model.transform(rows)
        .writeStream.format("parquet")
        .option("checkpointLocation", given.state)
        .trigger(**until)
        .start(given.scores)
    )
    query.awaitTermination()


if __name__ == "__main__":
    main()
