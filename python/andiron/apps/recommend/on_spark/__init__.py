"""NeuralCF and WideAndDeep as stages of Spark ML: `andiron.spark.Recommender` (docs/spark.md)."""
