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

double bytes_of(const TensorType& type, bool batch) {
  if (type.shape.mentions("batch") != batch) return 0;
  const Shape one = type.shape.bind({{"batch", 1}});
  return one.known() ? static_cast<double>(one.count().size()) *
                           static_cast<double>(size_of(type.dtype))
                     : 0;
}

// What one row's values take in a network: together, the widest one, and the most that one node
// reads and writes; what all its weights take.
struct RowSizes {
  double all = 0, widest = 0, node = 0, weights = 0;
};

RowSizes sizes_of_row(const Graph& graph) {
  RowSizes sizes;
  for (const Node* node : graph.nodes()) {
    double outputs = 0, inputs = 0;
    for (const TensorType& type : node->outputs) {
      sizes.widest = std::max(sizes.widest, bytes_of(type, true));
      outputs += bytes_of(type, true);
    }
    for (const Value& v : node->inputs)
      if (v.defined()) inputs += bytes_of(v.type(), true);
    if (node->is("constant") || node->is("variable"))
      sizes.weights += bytes_of(node->outputs[0], false);
    sizes.all += inputs + outputs;
    sizes.node = std::max(sizes.node, inputs + outputs);
  }
  return sizes;
}

// Images go through in chunks whose values stay in the last cache, unless reading the weights anew
// for each chunk takes longer than half of what the values would out of it. Other rows: chunks
// whose widest value takes about 8 MB. In steps of two.
int64_t chunk_for(const Graph& graph) {
  constexpr double kCache = 20e6, kImage = 128e3;
  const RowSizes row = sizes_of_row(graph);
  auto floor2 = [](double rows) {
    return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::max(rows, 1.0))));
  };
  if (row.widest <= kImage)
    return std::clamp<int64_t>(floor2(8.4e6 / std::max(row.widest, 4.0)), 1024, 8192);
  const int64_t in_cache = floor2(kCache / row.node);
  const int64_t for_weights =
      row.weights > kCache ? 2 * floor2(row.weights / (0.5 * row.all)) : int64_t{1};
  return std::min<int64_t>(std::max(in_cache, for_weights), 32);
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
  if (!frozen) model_ = std::move(model);
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
