#include "andiron/nn/predictor.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_set>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/nn/fit_tensor.hpp"
#include "andiron/passes/fold.hpp"
#include "andiron/passes/pipeline.hpp"

namespace andiron::nn {

namespace {

// Plans of one thread run on the callers' threads side by side, with the help of threads that have
// nothing else to do; larger ones use all cores.
constexpr int64_t kSmallRows = 32;
constexpr double kSmallFlops = 20e6;

exec::PlanOptions on_caller(exec::PlanOptions options) {
  options.helpers = (options.threads > 0 ? options.threads : exec::default_threads()) - 1;
  options.threads = 1;
  return options;
}

// Chunks whose widest value takes about 8 MB, in steps of two.
int64_t chunk_for(const Graph& graph) {
  int64_t widest = 1;
  for (const Node* node : graph.nodes()) {
    for (const TensorType& type : node->outputs) {
      if (!type.shape.mentions("batch")) continue;
      const Shape one = type.shape.bind({{"batch", 1}});
      if (one.known()) widest = std::max(widest, one.count().size());
    }
  }
  const auto rows = static_cast<uint64_t>((int64_t{2} << 20) / widest);
  const int64_t least = widest > (int64_t{1} << 15) ? 32 : 1024;  // images
  return std::clamp<int64_t>(static_cast<int64_t>(std::bit_floor(std::max<uint64_t>(rows, 1))),
                             least, 8192);
}

// Frozen once for all plans, so that they share the weights that come out.
std::shared_ptr<const Graph> graph_of(FunctionalModel& model, bool is_frozen) {
  const Graph trace = model.trace(false);
  return std::make_shared<const Graph>(is_frozen ? frozen(trace) : trace);
}

// Of a graph that is symbolic in the batch, for one row.
double flops_of_row(const Graph& graph) {
  double total = 0;
  const Graph one = bind_sizes(graph, {{"batch", 1}});
  for (const Node* node : one.nodes())
    if (node->op->flops != nullptr) total += node->op->flops(*node);
  return total;
}

// Up to an eighth more, so that few sizes occur.
int64_t padded(int64_t rows) {
  if (rows <= 16) return rows;
  const auto step = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(rows))) / 16;
  return (rows + step - 1) / step * step;
}

// Whether a node's row i depends on other rows than row i of its inputs.
bool mixes_rows(const Node& node, const std::vector<BatchKind>& in) {
  if (node.op->batch != nullptr) return node.op->batch(node, in) != BatchKind::rows;
  if (!node.op->traits.elementwise) return true;
  const TensorType& out = node.outputs[0];
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i] != BatchKind::rows) continue;
    const Shape& shape = node.inputs[i].shape();
    if (shape.rank() != out.shape.rank() || shape[0] != out.shape[0]) return true;
  }
  return false;
}

bool mixes_rows(const Graph& symbolic) {
  const Graph graph = fold_counts(symbolic, {});  // the divisor of a mean over columns is no row's
  std::unordered_set<const Node*> with_rows;      // what depends on the batch
  for (const Node* node : graph.nodes()) {
    const bool has_batch =
        std::any_of(node->outputs.begin(), node->outputs.end(),
                    [](const TensorType& type) { return type.shape.mentions("batch"); });
    std::vector<BatchKind> in;
    for (const Value& v : node->inputs)
      in.push_back(v.defined() && with_rows.count(&v.node()) > 0 ? BatchKind::rows
                                                                 : BatchKind::fixed);
    const bool any = std::count(in.begin(), in.end(), BatchKind::rows) > 0;
    if (any && mixes_rows(*node, in)) return true;
    if (any || has_batch) with_rows.insert(node);
  }
  return false;
}

}  // namespace

Predictor::Predictor(ModelPtr model, int64_t chunk_rows, exec::PlanOptions options, bool frozen)
    : Predictor(graph_of(*model, frozen), model->input_names(), chunk_rows, options) {
  model_ = std::move(model);
}

Predictor::Predictor(std::shared_ptr<const Graph> graph, std::vector<std::string> input_names,
                     int64_t chunk_rows, exec::PlanOptions options)
    : graph_(std::move(graph)), input_names_(std::move(input_names)), options_(options) {
  if (chunk_rows < 0) fail("[predict] batch_size must be positive; got {}", chunk_rows);
  chunk_rows_ = chunk_rows > 0 ? chunk_rows : chunk_for(*graph_);
  mixes_rows_ = mixes_rows(*graph_);
  row_flops_ = flops_of_row(*graph_);
  plans_ = std::make_unique<PlanCache>();
  small_plans_ = std::make_unique<PlanCache>(size_t{64} << 20, exec::default_threads() * 2);
}

bool Predictor::is_small(int64_t rows) const {
  return rows <= kSmallRows && static_cast<double>(rows) * row_flops_ < kSmallFlops;
}

std::vector<Tensor> Predictor::checked(const std::vector<Tensor>& inputs) const {
  const std::vector<Value>& wanted = graph_->inputs();
  if (inputs.size() != wanted.size())
    fail("[predict] the model has {} inputs; got {}", wanted.size(), inputs.size());
  std::vector<Tensor> out;
  for (size_t i = 0; i < inputs.size(); ++i) {
    out.push_back(fit_tensor(inputs[i], wanted[i].type(), "input '" + input_names_[i] + "'"));
    if (out[i].size(0) != out[0].size(0))
      fail("[predict] input '{}' has {} rows but input '{}' has {}", input_names_[i],
           out[i].size(0), input_names_[0], out[0].size(0));
  }
  return out;
}

std::vector<Tensor> Predictor::predict(const std::vector<Tensor>& inputs, int64_t max_rows) const {
  if (max_rows < 0) fail("[predict] batch_size must be positive; got {}", max_rows);
  const int64_t chunk = max_rows > 0 ? max_rows : chunk_rows_;
  const std::vector<Tensor> x = checked(inputs);
  const int64_t n = x[0].size(0);
  std::vector<Tensor> y;
  for (const Value& output : graph_->outputs()) y.push_back(tensor_for(output.type(), n));
  for (int64_t begin = 0; begin < n; begin += chunk) {
    const int64_t rows = std::min(chunk, n - begin);
    const int64_t run_rows = mixes_rows_ ? rows : std::min(padded(rows), chunk);
    const bool small = is_small(run_rows);
    const exec::PlanOptions options = small ? on_caller(options_) : options_;
    PlanCache::Lease plan =
        (small ? *small_plans_ : *plans_).checkout(graph_, {{"batch", run_rows}}, options);
    std::vector<Tensor> src, dst;
    for (size_t i = 0; i < x.size(); ++i) {
      Tensor part = x[i].rows(begin, begin + rows);
      if (run_rows != rows) {
        // Repeats of the last row are valid input whatever the model asks of it.
        Tensor longer = tensor_for(graph_->inputs()[i].type(), run_rows);
        longer.rows(0, rows).copy_from(part);
        for (int64_t row = rows; row < run_rows; ++row)
          longer.rows(row, row + 1).copy_from(part.rows(rows - 1, rows));
        part = longer;
      }
      src.push_back(part);
    }
    for (size_t i = 0; i < y.size(); ++i)
      dst.push_back(run_rows == rows ? y[i].rows(begin, begin + rows)
                                     : tensor_for(graph_->outputs()[i].type(), run_rows));
    plan->run(src, dst);
    if (run_rows != rows)
      for (size_t i = 0; i < y.size(); ++i)
        y[i].rows(begin, begin + rows).copy_from(dst[i].rows(0, rows));
  }
  return y;
}

std::unique_ptr<Predictor::Prepared> Predictor::prepare(int64_t rows) const {
  if (rows <= 0) fail("[predict] a prepared call needs one row or more; got {}", rows);
  const exec::PlanOptions options = is_small(rows) ? on_caller(options_) : options_;
  std::unique_ptr<Prepared> out(new Prepared());
  out->plan_ = exec::Plan::compile(*graph_, {{"batch", rows}}, options);
  for (const Value& v : graph_->inputs()) {
    out->inputs_.push_back(tensor_for(v.type(), rows));
    std::memset(out->inputs_.back().raw(), 0, out->inputs_.back().n_bytes());
  }
  for (const Value& v : graph_->outputs()) out->outputs_.push_back(tensor_for(v.type(), rows));
  return out;
}

}  // namespace andiron::nn
