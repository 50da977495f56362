#include "andiron/nn/layers/discretization.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/quantile_summary.hpp"
#include "andiron/ops/category/category.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

DiscretizationLayer::DiscretizationLayer(DiscretizationOptions options)
    : Layer({.name = options.name}),
      options_(std::move(options)),
      mode_(output_mode_from("Discretization", options_.output_mode)) {
  const std::vector<double>& boundaries = options_.bin_boundaries;
  if (boundaries.empty() && options_.num_bins < 2)
    fail("[Discretization] needs bin_boundaries, or num_bins of 2 or more and adapt");
  if (!std::is_sorted(boundaries.begin(), boundaries.end()) ||
      std::any_of(boundaries.begin(), boundaries.end(), [](double b) { return std::isnan(b); }))
    fail("[Discretization] bin_boundaries must be ascending");
  if (!(options_.epsilon > 0.0 && options_.epsilon < 1.0))
    fail("[Discretization] epsilon must be in (0, 1); got {}", options_.epsilon);
}

Json DiscretizationLayer::config() const {
  Json config = Layer::config();
  config["bin_boundaries"] =
      options_.bin_boundaries.empty() ? Json() : Json(options_.bin_boundaries);
  config["num_bins"] = options_.num_bins > 0 ? Json(options_.num_bins) : Json();
  config["epsilon"] = options_.epsilon;
  config["output_mode"] = name_of(mode_);
  return config;
}

LayerPtr DiscretizationLayer::from_config(const Json& config) {
  DiscretizationOptions o;
  if (config.contains("bin_boundaries") && !config.at("bin_boundaries").is_null())
    o.bin_boundaries = config.at("bin_boundaries").get<std::vector<double>>();
  if (config.contains("num_bins") && !config.at("num_bins").is_null())
    o.num_bins = config.at("num_bins").get<int64_t>();
  o.epsilon = config.value("epsilon", o.epsilon);
  o.output_mode = config.value("output_mode", o.output_mode);
  return std::make_shared<DiscretizationLayer>(o);
}

void DiscretizationLayer::settle() {
  if (options_.bin_boundaries.empty()) reject("has no boundaries: give them, or call adapt");
  settled_ = true;
}

void DiscretizationLayer::adapt(const std::function<bool(Tensor&)>& next) {
  if (options_.num_bins < 2) reject("was given bin_boundaries: there is nothing to adapt");
  if (settled_)
    reject(
        "is part of a model that was compiled or has predicted, which keeps its boundaries: call "
        "adapt before, or make the layer anew");
  QuantileSummary summary(options_.epsilon);
  for (Tensor piece; next(piece);) summary.add(piece);
  if (summary.empty()) reject("adapt got no data: 0 numbers");
  const std::vector<float> found = summary.boundaries(options_.num_bins);
  options_.bin_boundaries.assign(found.begin(), found.end());
}

std::vector<Value> DiscretizationLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Value x = inputs[0].dtype() == DType::f32 ? inputs[0] : ops::cast(inputs[0], DType::f32);
  const std::vector<double>& boundaries = options_.bin_boundaries;
  Tensor t(DType::f32, {static_cast<int64_t>(boundaries.size())});
  std::copy(boundaries.begin(), boundaries.end(), t.data<float>());
  // Until adapt has found the boundaries, their number is known.
  const auto bins = boundaries.empty() ? options_.num_bins : std::ssize(boundaries) + 1;
  return {encode_categories("Discretization", ops::bucketize(x, constant(t)), mode_, bins)};
}

LayerRef Discretization(DiscretizationOptions options) {
  return std::make_shared<DiscretizationLayer>(std::move(options));
}

}  // namespace andiron::nn
