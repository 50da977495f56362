#include "andiron/passes/quantize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/quantized/quantized.hpp"
#include "andiron/passes/byte_values.hpp"
#include "andiron/passes/fold.hpp"
#include "andiron/passes/fuse_matmul.hpp"
#include "andiron/passes/quantize_weights.hpp"
#include "andiron/passes/simplify.hpp"

namespace andiron {

namespace {

// Beyond every float32: no bound.
constexpr double kUnbounded = std::numeric_limits<float>::max();

struct Steps {
  double scale = 1;
  int64_t zero = 0;
};

// 0 is a byte exactly, since padding and relu make it.
Steps steps_of(const RealRange& range) {
  const double low = std::min(range.low, 0.0), high = std::max(range.high, 0.0);
  const auto scale = static_cast<double>(static_cast<float>((high - low) / 255.0));
  if (!(scale > 0) || !std::isfinite(scale)) return {};
  return {scale, std::clamp<int64_t>(std::llround(-low / scale), 0, 255)};
}

class Quantizer {
 public:
  Quantizer(const Graph& graph, const RealRanges& ranges,
            const std::vector<std::string>& float_layers)
      : graph_(graph), bytes_(graph, float_layers) {
    RealRanges shared;
    for (const Value& v : bytes_.values()) {
      const auto found = ranges.find(v);
      ANDIRON_ASSERT(found != ranges.end());
      const auto [at, added] = shared.try_emplace(bytes_.leader(v), found->second);
      if (added) continue;
      at->second.low = std::min(at->second.low, found->second.low);
      at->second.high = std::max(at->second.high, found->second.high);
    }
    for (const auto& [v, range] : shared) steps_[v] = steps_of(range);
  }

  Graph operator()() {
    for (const Value& v : graph_.inputs()) real_[v] = v;
    for (const Node* node : graph_.nodes()) {
      NameScope scope(node->name);
      if (bytes_.computes(*node)) {
        compute(*node);
      } else {
        keep(*node);
      }
    }
    std::vector<Value> outputs;
    for (const Value& v : graph_.outputs()) outputs.push_back(real(v));
    return Graph(graph_.inputs(), outputs);
  }

 private:
  static Value output(const Node& node, int i = 0) { return {node.shared_from_this(), i}; }
  const Steps& steps(const Value& v) const { return steps_.at(bytes_.leader(v)); }

  Value real(const Value& v) {
    Value& found = real_[v];
    if (!found.defined()) found = ops::dequantize(byte_.at(v), steps(v).scale, steps(v).zero);
    return found;
  }
  Value byte(const Value& v) {
    Value& found = byte_[v];
    if (!found.defined()) found = ops::quantize(real_.at(v), steps(v).scale, steps(v).zero);
    return found;
  }

  void keep(const Node& node) {
    std::vector<Value> inputs;
    bool changed = false;
    for (const Value& v : node.inputs) {
      inputs.push_back(v.defined() ? real(v) : Value());
      changed |= !(inputs.back() == v);
    }
    if (node.is("input")) return;
    std::vector<Value> made;
    if (changed) made = make_node(*node.op, inputs, node.attributes);
    for (size_t i = 0; i < node.outputs.size(); ++i)
      real_[output(node, static_cast<int>(i))] =
          changed ? made[i] : output(node, static_cast<int>(i));
  }

  void compute(const Node& node) {
    if (node.is("conv") || node.is("fused_conv")) {
      conv(node);
    } else if (is_weighted(node)) {
      product(node);
    } else if (is_spatial_sum(node)) {
      sum(node);
    } else if (node.is("lrn")) {
      lrn(node);
    } else {
      std::vector<Value> inputs;
      for (const Value& v : node.inputs)
        inputs.push_back(v.dtype() == DType::f32 ? byte(v) : real(v));
      const auto made = make_node(*node.op, inputs, node.attributes);
      for (size_t i = 0; i < made.size(); ++i) byte_[output(node, static_cast<int>(i))] = made[i];
    }
  }

  // What becomes of sum * scale + shift, which are those of real numbers still, where the result is
  // bytes; the attributes that say so.
  struct End {
    std::vector<float> scale, shift;
    double low = -kUnbounded, high = kUnbounded;
    DType dtype = DType::f32;
  };
  End end_of(const Node& node, const QuantizedWeights& w, const Value& x, const Tensor& bias,
             double low, double high) const {
    const Steps& from = steps(x);
    const bool to_bytes = bytes_.is_byte(output(node));
    const Steps to = to_bytes ? steps(output(node)) : Steps{1, 0};
    End end;
    end.dtype = to_bytes ? DType::u8 : DType::f32;
    for (size_t o = 0; o < w.scales.size(); ++o) {
      const double scale = from.scale * w.scales[o] / to.scale;
      const double b = bias.defined() ? bias.item(static_cast<int64_t>(o)) : 0.0;
      end.scale.push_back(static_cast<float>(scale));
      end.shift.push_back(static_cast<float>(b / to.scale -
                                             scale * static_cast<double>(from.zero * w.sums[o]) +
                                             static_cast<double>(to.zero)));
    }
    end.low = low / to.scale + static_cast<double>(to.zero);
    end.high = high / to.scale + static_cast<double>(to.zero);
    if (to_bytes && end.low <= 0) end.low = -kUnbounded;
    if (to_bytes && end.high >= 255) end.high = kUnbounded;
    return end;
  }

  static Value listed(const std::vector<float>& numbers) {
    return constant(Tensor::from(numbers, {std::ssize(numbers)}));
  }
  void give(const Node& node, const Value& made) {
    (bytes_.is_byte(output(node)) ? byte_ : real_)[output(node)] = made;
  }

  static Tensor tensor_of(const Node& node, size_t input) {
    if (input >= node.inputs.size() || !node.inputs[input].defined()) return {};
    return node.inputs[input].node().attr<Tensor>("tensor").contiguous();
  }

  void conv(const Node& node) {
    const QuantizedWeights w = quantize_weights(tensor_of(node, 1), 0);
    const std::string activation =
        node.is("fused_conv") ? node.attr<std::string>("activation") : "linear";
    const double low = activation == "relu"   ? 0.0
                       : activation == "clip" ? node.attr<double>("low")
                                              : -kUnbounded;
    const double high = activation == "clip" ? node.attr<double>("high") : kUnbounded;
    End end = end_of(node, w, node.inputs[0], tensor_of(node, 2), low, high);
    Attributes attributes;
    for (const char* name : {"strides", "dilations", "padding", "pads_begin", "pads_end", "groups"})
      attributes.set(name, *node.attributes.find(name));
    attributes.set("pad_value", steps(node.inputs[0]).zero);
    std::vector<Value> inputs{byte(node.inputs[0]), constant(w.bytes), Value(), Value()};
    if (node.inputs.size() > 3 && node.inputs[3].defined()) {
      const Value& residual = node.inputs[3];
      if (end.dtype == DType::u8) {
        const double factor = steps(residual).scale / steps(output(node)).scale;
        for (float& shift : end.shift)
          shift -= static_cast<float>(factor * static_cast<double>(steps(residual).zero));
        attributes.set("residual_scale", factor);
        inputs.push_back(byte(residual));
      } else {
        inputs.push_back(real(residual));
      }
    }
    inputs[2] = listed(end.scale);
    inputs[3] = listed(end.shift);
    attributes.set("low", end.low);
    attributes.set("high", end.high);
    attributes.set("dtype", end.dtype);
    give(node, make_value(ops::find("quantized_conv"), inputs, attributes));
  }

  void product(const Node& node) {
    Tensor weights = tensor_of(node, 1);
    if (node.attr<bool>("transpose_b")) {
      Tensor turned(weights.dtype(), {weights.size(1), weights.size(0)});
      turned.copy_from(Tensor(weights.buffer(), weights.dtype(), turned.sizes(),
                              {weights.strides()[1], weights.strides()[0]}, weights.byte_offset()));
      weights = turned;
    }
    const QuantizedWeights w = quantize_weights(weights, 1);
    const std::string activation =
        node.is("fused_matmul") ? node.attr<std::string>("activation") : "linear";
    const bool relu = activation == "relu";
    const End end =
        end_of(node, w, node.inputs[0], tensor_of(node, 2), relu ? 0.0 : -kUnbounded, kUnbounded);
    Value made =
        make_value(ops::find("quantized_matmul"),
                   {byte(node.inputs[0]), constant(w.bytes), listed(end.scale), listed(end.shift)},
                   {{"low", end.low}, {"high", end.high}, {"dtype", end.dtype}});
    if (activation != "relu" && activation != "linear") {
      real_[output(node)] = ops::activation(activation, made);
    } else {
      give(node, made);
    }
  }

  void sum(const Node& node) {
    const Value& x = node.inputs[0];
    const Shape& shape = x.shape();
    double places = 1;
    for (size_t i = 2; i < shape.size(); ++i) places *= static_cast<double>(shape[i].size());
    const Steps& from = steps(x);
    const Value made = make_value(
        ops::find("quantized_sum"), {byte(x)},
        {{"scale", from.scale}, {"shift", -from.scale * static_cast<double>(from.zero) * places}});
    real_[output(node)] =
        node.attr<bool>("keepdims") ? ops::reshape(made, node.outputs[0].shape) : made;
  }

  void lrn(const Node& node) {
    const Steps &from = steps(node.inputs[0]), &to = steps(output(node));
    Attributes attributes = node.attributes;
    attributes.set("src_scale", from.scale);
    attributes.set("src_zero", from.zero);
    attributes.set("dst_scale", to.scale);
    attributes.set("dst_zero", to.zero);
    byte_[output(node)] =
        make_value(ops::find("quantized_lrn"), {byte(node.inputs[0])}, attributes);
  }

  const Graph& graph_;
  ByteValues bytes_;
  std::unordered_map<Value, Steps, ValueHash> steps_;
  std::unordered_map<Value, Value, ValueHash> real_, byte_;
};

}  // namespace

Graph prepare_to_quantize(const Graph& frozen) {
  return fuse_matmul(simplify(fold(fold_counts(frozen, {}))));
}

std::vector<Value> values_to_quantize(const Graph& prepared,
                                      const std::vector<std::string>& float_layers) {
  return ByteValues(prepared, float_layers).values();
}

Graph quantize(const Graph& prepared, const RealRanges& ranges,
               const std::vector<std::string>& float_layers) {
  return Quantizer(prepared, ranges, float_layers)();
}

}  // namespace andiron
