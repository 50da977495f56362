#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "andiron/nn/model.hpp"
#include "andiron/nn/plan_cache.hpp"

namespace andiron::nn {

/// A model's outputs for any number of rows. Rows go through in chunks of `chunk_rows`; the rest is
/// padded to one of a few sizes, so that the number of plans stays small whatever sizes are asked
/// for. A model that mixes the rows of a batch sees a chunk at a time, and nothing is padded.
/// Thread-safe, while nothing trains the model.
class Predictor {
 public:
  /// `chunk_rows` 0: 1024 to 8192, fewer for models with wide layers, 32 and more for images.
  /// `frozen`: the variables' values are those of now, whatever happens to them later; what depends
  /// on them alone is computed once, and convolutions take their batch normalizations, residual
  /// sums and activations in. Costs a copy of the weights; the model is not kept.
  explicit Predictor(ModelPtr model, int64_t chunk_rows = 0, exec::PlanOptions options = {},
                     bool frozen = false);

  /// Of a graph over "batch" that reads no variables.
  Predictor(std::shared_ptr<const Graph> graph, std::vector<std::string> input_names,
            int64_t chunk_rows = 0, exec::PlanOptions options = {});

  /// `inputs` in the order of the model's inputs, of its dtypes or convertible, with equal numbers
  /// of rows. Throws Error naming the input whose shape does not fit. `max_rows` bounds the rows of
  /// a chunk (0: chunk_rows); models that keep rows apart give the same but for rounding.
  std::vector<Tensor> predict(const std::vector<Tensor>& inputs, int64_t max_rows = 0) const;

  const std::shared_ptr<const Graph>& graph() const { return graph_; }
  int64_t chunk_rows() const { return chunk_rows_; }
  PlanCache& plans() const { return *plans_; }

  /// A plan for one number of rows with its memory, for the shortest way from call to answer:
  /// fill `input(i)`, `run`, read `output(i)`; no allocation, no lock.
  /// Thread safety: one thread at a time.
  class Prepared {
   public:
    Tensor& input(size_t i = 0) { return inputs_[i]; }
    const Tensor& output(size_t i = 0) const { return outputs_[i]; }
    size_t n_inputs() const { return inputs_.size(); }
    size_t n_outputs() const { return outputs_.size(); }
    void run() { plan_->run(inputs_, outputs_); }

   private:
    friend class Predictor;
    Prepared() = default;
    std::unique_ptr<exec::Plan> plan_;
    std::vector<Tensor> inputs_, outputs_;
  };
  std::unique_ptr<Prepared> prepare(int64_t rows) const;

 private:
  bool is_small(int64_t rows) const;
  std::vector<Tensor> checked(const std::vector<Tensor>& inputs) const;

  ModelPtr model_;
  std::shared_ptr<const Graph> graph_;
  std::vector<std::string> input_names_;
  int64_t chunk_rows_;
  bool mixes_rows_;
  double row_flops_ = 0;
  exec::PlanOptions options_;
  std::unique_ptr<PlanCache> plans_, small_plans_;
};

}  // namespace andiron::nn
