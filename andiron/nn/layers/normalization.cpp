#include "andiron/nn/layers/normalization.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "andiron/base/error.hpp"
#include "andiron/nn/moments.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's

// A number, or lists in lists.
Json nested(const Tensor& t, size_t axis = 0, int64_t first = 0) {
  if (axis == t.sizes().size()) return t.item(first);
  int64_t below = 1;
  for (size_t i = axis + 1; i < t.sizes().size(); ++i) below *= t.sizes()[i];
  Json list = Json::array();
  for (int64_t i = 0; i < t.sizes()[axis]; ++i)
    list.push_back(nested(t, axis + 1, first + i * below));
  return list;
}

void flatten(const Json& list, std::vector<double>& values) {
  if (!list.is_array()) {
    values.push_back(list.get<double>());
    return;
  }
  for (const Json& item : list) flatten(item, values);
}

Tensor tensor_of(const Json& config, const char* name) {
  if (!config.contains(name) || config.at(name).is_null()) return {};
  Sizes sizes;
  for (const Json* list = &config.at(name); list->is_array(); list = &list->at(0)) {
    sizes.push_back(static_cast<int64_t>(list->size()));
    if (list->empty()) break;
  }
  std::vector<double> values;
  flatten(config.at(name), values);
  Tensor t(DType::f64, sizes);
  if (static_cast<size_t>(t.count()) != values.size())
    fail("[Normalization] {} must be a number or have rows of one length", name);
  std::copy(values.begin(), values.end(), t.data<double>());
  return t.cast(DType::f32);
}

}  // namespace

NormalizationLayer::NormalizationLayer(NormalizationOptions options)
    : Layer({.name = options.name}), options_(std::move(options)) {
  const Tensor &mean = options_.mean, &variance = options_.variance;
  if (mean.defined() != variance.defined())
    fail("[Normalization] mean and variance are given together, or neither is; adapt finds both");
  if (!given()) return;
  if (mean.sizes() != variance.sizes())
    fail("[Normalization] mean and variance must have one shape; got {} and {}", str(mean.sizes()),
         str(variance.sizes()));
  if (mean.rank() > std::ssize(options_.axis))
    fail("[Normalization] a mean of shape {} needs as many axes; got axis {}", str(mean.sizes()),
         str(options_.axis));
  for (int64_t i = 0; i < mean.count(); ++i)
    if (!std::isfinite(mean.item(i)) || !(variance.item(i) >= 0.0))
      fail("[Normalization] mean must be finite and variance not negative; got {} and {}",
           mean.item(i), variance.item(i));
}

Json NormalizationLayer::config() const {
  Json config = Layer::config();
  config["axis"] = options_.axis;
  config["mean"] = given() ? nested(options_.mean) : Json();
  config["variance"] = given() ? nested(options_.variance) : Json();
  config["invert"] = options_.invert;
  return config;
}

LayerPtr NormalizationLayer::from_config(const Json& config) {
  return std::make_shared<NormalizationLayer>(
      NormalizationOptions{.axis = config.value("axis", std::vector<int64_t>{-1}),
                           .mean = tensor_of(config, "mean"),
                           .variance = tensor_of(config, "variance"),
                           .invert = config.value("invert", false)});
}

std::vector<int64_t> NormalizationLayer::kept_of(const Shape& shape) const {
  std::vector<int64_t> kept;
  for (int64_t axis : options_.axis) {
    const int64_t at = axis < 0 ? axis + shape.rank() : axis;
    if (at < 0 || at >= shape.rank())
      reject(fmt::format("axis {} is not one of {}", axis, shape.str()));
    if (at == 0)
      reject(fmt::format("axis {} of {} is the batch: without axes there is one mean for all", axis,
                         shape.str()));
    if (!shape[static_cast<size_t>(at)].known())
      reject(fmt::format("the size of axis {} must be known; got {}", axis, shape.str()));
    kept.push_back(at);
  }
  std::sort(kept.begin(), kept.end());
  if (std::adjacent_find(kept.begin(), kept.end()) != kept.end())
    reject(fmt::format("axes must differ; got {}", str(options_.axis)));
  return kept;
}

void NormalizationLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  Sizes sizes;
  for (int64_t axis : kept_of(inputs[0].shape))
    sizes.push_back(inputs[0].shape[static_cast<size_t>(axis)].size());
  if (given()) return;
  mean_ = add_weight("mean", sizes, "zeros", {}, false);
  variance_ = add_weight("variance", sizes, "ones", {}, false);
}

// [kept sizes...], or fewer sizes for the last of them, beside x: 1 on the other axes.
Value NormalizationLayer::along(const Value& moment, const Shape& shape) const {
  const std::vector<int64_t> kept = kept_of(shape);
  Shape wide(static_cast<size_t>(shape.rank()), Dim(1));
  const size_t missing = kept.size() - static_cast<size_t>(moment.rank());
  for (size_t i = missing; i < kept.size(); ++i) {
    const auto axis = static_cast<size_t>(kept[i]);
    wide[axis] = moment.shape()[i - missing];
    if (wide[axis] != shape[axis] && !(given() && wide[axis] == Dim(1)))
      reject(fmt::format("its mean has {} places along axis {}; got {}", wide[axis].str(), axis,
                         shape.str()));
  }
  // What broadcasting adds in front need not be said.
  const bool last = kept.empty() || kept.front() == shape.rank() - std::ssize(kept);
  return last ? moment : ops::reshape(moment, wide);
}

std::vector<Value> NormalizationLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Value x = inputs[0].dtype() == DType::f32 ? inputs[0] : ops::cast(inputs[0], DType::f32);
  const Value mean = along(given() ? constant(options_.mean) : read(mean_), x.shape());
  const Value variance = along(given() ? constant(options_.variance) : read(variance_), x.shape());
  const Value deviation = ops::maximum(ops::sqrt(variance), constant(kEpsilon));
  return {options_.invert ? x * deviation + mean : (x - mean) / deviation};
}

void NormalizationLayer::adapt(const Tensor& data) {
  bool given = false;
  adapt([&](Tensor& piece) {
    piece = data;
    return !std::exchange(given, true);
  });
}

void NormalizationLayer::adapt(const std::function<bool(Tensor&)>& next) {
  if (given()) reject("it was given mean and variance: there is nothing to adapt");
  std::optional<Moments> moments;
  for (Tensor piece; next(piece);) {
    if (piece.rank() == 0) reject("adapt needs data with an axis of rows; got a number");
    Shape shape(piece.sizes());
    shape[0] = batch_dim();
    build({{DType::f32, shape}});
    (void)along(read(mean_), shape);  // rejects other sizes
    if (!moments) moments.emplace(kept_of(shape));
    moments->add(piece);
  }
  if (!moments || moments->rows() == 0) reject("adapt got no data: 0 rows");
  mean_->assign(moments->mean());
  variance_->assign(moments->variance());
}

LayerRef Normalization(NormalizationOptions options) {
  return std::make_shared<NormalizationLayer>(std::move(options));
}

}  // namespace andiron::nn
