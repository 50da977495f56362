#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/nn/fit_tensor.hpp"
#include "andiron/nn/plan_cache.hpp"
#include "andiron/nn/quantized_model.hpp"
#include "andiron/passes/pipeline.hpp"

namespace andiron::nn {

namespace {

constexpr int64_t kRowsAtOnce = 8;  // all values of a batch are there at the same time

void check_float_layers(const FunctionalModel& model, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    bool found = false;
    for (const LayerPtr& layer : model.layers()) found |= layer->name() == name;
    if (!found) fail("[quantize] the model has no layer '{}' to be left in float32", name);
  }
}

nlohmann::json about_of(const QuantizeSettings& settings, int64_t rows) {
  return {{"method", settings.method.name},
          {"percentile", settings.method.percentile},
          {"float_layers", settings.float_layers},
          {"calibration_rows", rows}};
}

}  // namespace

Calibration::Calibration(ModelPtr model, QuantizeSettings settings)
    : model_(std::move(model)), settings_(std::move(settings)) {
  check_range_method(settings_.method);
  check_float_layers(*model_, settings_.float_layers);
  prepared_ = prepare_to_quantize(frozen(model_->trace(false)));
  values_ = values_to_quantize(prepared_, settings_.float_layers);
  if (values_.empty())
    fail("[quantize] '{}' has no convolution or dense layer to quantize", model_->name());
  histograms_.resize(values_.size());
  watched_ = std::make_shared<const Graph>(prepared_.inputs(), values_);
  plans_ = std::make_unique<PlanCache>();
}

Calibration::~Calibration() = default;

void Calibration::observe(const std::vector<Tensor>& inputs) {
  const std::vector<Value>& wanted = prepared_.inputs();
  if (inputs.size() != wanted.size())
    fail("[quantize] the model has {} inputs; got {}", wanted.size(), inputs.size());
  const std::vector<std::string> names = model_->input_names();
  std::vector<Tensor> x;
  for (size_t i = 0; i < inputs.size(); ++i) {
    x.push_back(fit_tensor(inputs[i], wanted[i].type(), "input '" + names[i] + "'"));
    if (x[i].size(0) != x[0].size(0))
      fail("[quantize] input '{}' has {} rows but input '{}' has {}", names[i], x[i].size(0),
           names[0], x[0].size(0));
  }
  exec::PlanOptions options;
  options.threads = settings_.threads;
  for (int64_t begin = 0; begin < x[0].size(0); begin += kRowsAtOnce) {
    const int64_t end = std::min(x[0].size(0), begin + kRowsAtOnce);
    std::vector<Tensor> src, dst;
    for (const Tensor& t : x) src.push_back(t.rows(begin, end).contiguous());
    for (const Value& v : values_) dst.push_back(tensor_for(v.type(), end - begin));
    plans_->checkout(watched_, {{"batch", end - begin}}, options)->run(src, dst);
    for (size_t i = 0; i < values_.size(); ++i) {
      const Node& node = values_[i].node();
      histograms_[i].add(dst[i].data<float>(), dst[i].count(),
                         node.name.empty() ? "an input" : "'" + node.name + "'");
    }
    rows_ += end - begin;
  }
}

QuantizedModel Calibration::quantized() const {
  if (rows_ == 0) fail("[quantize] there are no calibration data");
  RealRanges ranges;
  for (size_t i = 0; i < values_.size(); ++i)
    ranges[values_[i]] = histograms_[i].range(settings_.method);
  QuantizedModel out;
  out.graph = std::make_shared<const Graph>(quantize(prepared_, ranges, settings_.float_layers));
  out.input_names = model_->input_names();
  out.output_names = model_->output_names();
  out.about = about_of(settings_, rows_);
  out.about["name"] = model_->name();
  return out;
}

}  // namespace andiron::nn
