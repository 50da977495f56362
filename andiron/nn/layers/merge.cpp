#include "andiron/nn/layers/merge.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/masks.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

// Ones behind the batch axis until all ranks are equal, as Keras's merging layers do.
std::vector<Value> of_one_rank(const std::vector<Value>& inputs) {
  int64_t rank = 0;
  for (const Value& x : inputs) rank = std::max(rank, x.rank());
  std::vector<Value> out;
  for (const Value& x : inputs) {
    Shape shape = x.shape();
    while (shape.rank() < rank) shape.insert(shape.begin() + 1, Dim(1));
    out.push_back(shape == x.shape() ? x : ops::reshape(x, shape));
  }
  return out;
}

Value l2_normalized(const Value& x, int64_t axis) {
  const Value square = ops::sum(ops::square(x), {axis}, true);
  return x * ops::rsqrt(ops::maximum(square, constant(1e-12, x.dtype())));
}

}  // namespace

ConcatenateLayer::ConcatenateLayer(int64_t axis, LayerOptions options)
    : Layer(std::move(options)), axis_(axis) {
  if (axis == 0) fail("[Concatenate] axis 0 is the batch");
}

nlohmann::json ConcatenateLayer::config() const {
  nlohmann::json config = Layer::config();
  config["axis"] = axis_;
  return config;
}

LayerPtr ConcatenateLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<ConcatenateLayer>(config.value("axis", int64_t{-1}));
}

// A step counts where it counts in one of the inputs; along the time axis masks are joined like
// the inputs. Inputs without a mask count.
Value ConcatenateLayer::joined_mask(const std::vector<Value>& inputs, int64_t axis) const {
  bool any = false;
  for (const Value& x : inputs) any |= Masks::of(x).defined();
  if (!any) return {};
  std::vector<Value> masks;
  for (const Value& x : inputs) {
    Value mask = Masks::of(x);
    if (!mask.defined()) {
      const Shape steps = {x.shape()[0], x.shape()[1]};
      mask = ops::broadcast_to(constant(1.0, DType::boolean), steps);
    }
    if (mask.rank() != 2)
      reject(fmt::format("joins masks of [batch, time] only; got {}", mask.shape().str()));
    masks.push_back(mask);
  }
  if (axis == 1) return ops::concat(masks, 1);
  Value joined = masks[0];
  for (size_t i = 1; i < masks.size(); ++i) joined = ops::logical_or(joined, masks[i]);
  return joined;
}

std::vector<Value> ConcatenateLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  if (inputs.empty()) reject("takes one input or more; got none");
  const int64_t axis = normalize_axis("Concatenate", axis_, inputs[0].rank());
  if (axis == 0) reject("axis 0 is the batch");
  if (inputs.size() == 1) return inputs;
  const Value y = ops::concat(inputs, axis_);
  Masks::set(y, joined_mask(inputs, axis));
  return {y};
}

std::string MergeLayer::class_name() const {
  constexpr const char* kNames[] = {"Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"};
  return kNames[static_cast<size_t>(kind_)];
}

std::vector<Value> MergeLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  if (kind_ == Kind::subtract) expect_inputs(inputs.size(), 2);
  if (inputs.size() < 2) reject(fmt::format("takes two inputs or more; got {}", inputs.size()));
  const std::vector<Value> xs = of_one_rank(inputs);
  Value out = xs[0];
  for (size_t i = 1; i < xs.size(); ++i) switch (kind_) {
      case Kind::add:
      case Kind::average:
        out = out + xs[i];
        break;
      case Kind::maximum:
        out = ops::maximum(out, xs[i]);
        break;
      case Kind::minimum:
        out = ops::minimum(out, xs[i]);
        break;
      case Kind::multiply:
        out = out * xs[i];
        break;
      case Kind::subtract:
        out = out - xs[i];
        break;
    }
  if (kind_ == Kind::average) out = out / static_cast<double>(xs.size());
  // A step counts where it counts in one of the inputs, as in Keras.
  Value mask = Masks::of(inputs[0]);
  for (size_t i = 1; i < inputs.size() && mask.defined(); ++i) {
    const Value other = Masks::of(inputs[i]);
    mask = other.defined() ? ops::logical_or(mask, other) : Value();
  }
  Masks::set(out, mask);
  return {out};
}

DotLayer::DotLayer(std::pair<int64_t, int64_t> axes, DotOptions options)
    : Layer({.name = options.name}), axes_(axes), normalize_(options.normalize) {}

nlohmann::json DotLayer::config() const {
  nlohmann::json config = Layer::config();
  config["axes"] = {axes_.first, axes_.second};
  config["normalize"] = normalize_;
  return config;
}

LayerPtr DotLayer::from_config(const nlohmann::json& config) {
  const nlohmann::json& axes = config.at("axes");
  return std::make_shared<DotLayer>(std::pair{axes.at(0).get<int64_t>(), axes.at(1).get<int64_t>()},
                                    DotOptions{.normalize = config.value("normalize", false)});
}

std::vector<Value> DotLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 2);
  Value a = inputs[0], b = inputs[1];
  for (const Value& x : inputs)
    if (x.rank() != 2 && x.rank() != 3)
      reject(fmt::format("needs inputs of rank 2 or 3; got {}", x.shape().str()));
  const int64_t i = normalize_axis("Dot", axes_.first, a.rank());
  const int64_t j = normalize_axis("Dot", axes_.second, b.rank());
  if (i == 0 || j == 0) reject("axis 0 is the batch");
  if (!(a.shape()[static_cast<size_t>(i)] == b.shape()[static_cast<size_t>(j)]))
    reject(fmt::format("axis {} of {} and axis {} of {} differ", i, a.shape().str(), j,
                       b.shape().str()));
  if (normalize_) {
    a = l2_normalized(a, i);
    b = l2_normalized(b, j);
  }
  if (a.rank() == 2 && b.rank() == 2) return {ops::sum(a * b, {1}, true)};
  // Vectors become matrices of one row: [b, n] to [b, 1, n].
  const bool a_row = a.rank() == 2, b_row = b.rank() == 2;
  if (a_row) a = ops::expand_dims(a, 1);
  if (b_row) b = ops::expand_dims(b, 1);
  Value y = ops::matmul(a, b, !a_row && i == 1, b_row || j == 2);
  if (a_row) y = ops::squeeze(y, 1);
  if (b_row) y = ops::squeeze(y, 2);
  return {y};
}

LayerRef Concatenate(int64_t axis, LayerOptions options) {
  return std::make_shared<ConcatenateLayer>(axis, std::move(options));
}
LayerRef Add(LayerOptions options) {
  return std::make_shared<MergeLayer>(MergeLayer::Kind::add, std::move(options));
}
LayerRef Average(LayerOptions options) {
  return std::make_shared<MergeLayer>(MergeLayer::Kind::average, std::move(options));
}
LayerRef Maximum(LayerOptions options) {
  return std::make_shared<MergeLayer>(MergeLayer::Kind::maximum, std::move(options));
}
LayerRef Minimum(LayerOptions options) {
  return std::make_shared<MergeLayer>(MergeLayer::Kind::minimum, std::move(options));
}
LayerRef Multiply(LayerOptions options) {
  return std::make_shared<MergeLayer>(MergeLayer::Kind::multiply, std::move(options));
}
LayerRef Subtract(LayerOptions options) {
  return std::make_shared<MergeLayer>(MergeLayer::Kind::subtract, std::move(options));
}
LayerRef Dot(int64_t axis, DotOptions options) {
  return std::make_shared<DotLayer>(std::pair{axis, axis}, std::move(options));
}
LayerRef Dot(std::pair<int64_t, int64_t> axes, DotOptions options) {
  return std::make_shared<DotLayer>(axes, std::move(options));
}

}  // namespace andiron::nn
