#include "andiron/exec/onednn/quantized.hpp"

#include <cstring>

#include "andiron/exec/native/parallel.hpp"
#include "andiron/exec/onednn/chain.hpp"
#include "andiron/exec/onednn/packed_weights.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron::exec {

namespace {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;

constexpr auto kFloat = dnnl::memory::data_type::f32;
constexpr int64_t kParallelBytes = 1 << 18;

bool has_vnni() {
  constexpr unsigned kAvx2Vnni = 0x8, kAvx512Vnni = 0x40;  // bits of oneDNN's dnnl_cpu_isa_t
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  return (isa & (kAvx2Vnni | kAvx512Vnni)) != 0;
}

const Tensor& constant_of(const Value& v) { return v.node().attr<Tensor>("tensor"); }

// The clip, in oneDNN's words; nothing where the dtype's own range is narrower.
void append_clip(const Node& node, DType dtype, dnnl::post_ops& post) {
  constexpr float kMost = std::numeric_limits<float>::max();
  const auto low = static_cast<float>(node.attr<double>("low"));
  const auto high = static_cast<float>(node.attr<double>("high"));
  const float least = dtype == DType::u8 ? 0.0F : dtype == DType::i8 ? -128.0F : -kMost;
  const float most = dtype == DType::u8 ? 255.0F : dtype == DType::i8 ? 127.0F : kMost;
  if (low <= least && high >= most) return;
  if (low == 0.0F && high >= most) {
    post.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  } else {
    post.append_eltwise(dnnl::algorithm::eltwise_clip_v2, std::max(low, -kMost),
                        std::min(high, kMost));
  }
}

std::shared_ptr<Buffer> buffer_of(const void* data, size_t n_bytes) {
  std::shared_ptr<Buffer> buffer = Buffer::allocate(n_bytes);
  std::memcpy(buffer->data(), data, n_bytes);
  return buffer;
}

class QuantizedConv final : public Kernel {
 public:
  explicit QuantizedConv(const KernelRequest& request) : threads_(request.threads) {
    const Node& node = request.node;
    const ops::ConvShape s = ops::conv_shape(node);
    const DType to = request.dst[0].dtype;
    const auto image = [](const Shape& shape, DType dtype) {  // [N, C, spatial...], channels last
      const Dims sizes = shape.sizes();
      Dims strides(sizes.size());
      int64_t stride = sizes[1];
      strides[1] = 1;
      for (size_t i = sizes.size(); i-- > 2; stride *= sizes[i]) strides[i] = stride;
      strides[0] = stride;
      return Desc(sizes, onednn_type(dtype), strides);
    };
    const Desc src = image(s.src, request.src[0].dtype), dst = image(s.dst, to);
    Dims sizes = {s.filters, s.channels / s.groups};
    if (s.groups > 1) sizes = {s.groups, s.filters / s.groups, s.channels / s.groups};
    sizes.insert(sizes.end(), s.window.kernel.begin(), s.window.kernel.end());
    const auto bytes = dnnl::memory::data_type::s8;
    const Desc weights(sizes, bytes, dense_strides(sizes));
    const Desc any(sizes, bytes, dnnl::memory::format_tag::any);
    const Desc by_filter({s.filters}, kFloat, Dims{1});

    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attributes.set_scales_mask(DNNL_ARG_WEIGHTS, s.groups > 1 ? 3 : 1);
    const int32_t pad = needs_pads(s) ? static_cast<int32_t>(node.attr<int64_t>("pad_value")) : 0;
    if (pad != 0) attributes.set_zero_points_mask(DNNL_ARG_SRC, 0);
    dnnl::post_ops post;
    residual_bytes_ = request.src.size() > 4 ? s.dst.count().size() * size_of(to) : 0;
    if (residual_bytes_ > 0)
      post.append_sum(static_cast<float>(node.attr<double>("residual_scale")), 0, onednn_type(to));
    append_clip(node, to, post);
    attributes.set_post_ops(post);

    Dims dilations;
    for (const int64_t d : s.window.dilations) dilations.push_back(d - 1);
    const ThreadLimit limit(request.threads);
    const dnnl::convolution_forward::primitive_desc pd(
        onednn_engine(), dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
        src, any, by_filter, dst, s.window.strides, dilations, s.window.begin, s.window.end,
        attributes);
    const Tensor w = constant_of(node.inputs[1]).contiguous();
    std::vector<std::pair<int, int>> arguments{
        {DNNL_ARG_SRC, chain_.src(0, src)},
        {DNNL_ARG_WEIGHTS,
         chain_.fixed(packed_weights(w, weights, pd.weights_desc()), pd.weights_desc())},
        {DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, chain_.src(2, by_filter)},
        {DNNL_ARG_DST, chain_.dst(0, dst)}};
    if (pad == 0) {
      arguments.emplace_back(DNNL_ARG_BIAS, chain_.src(3, by_filter));
    } else {
      // oneDNN's zero point is taken away from x itself; here its part stands in the shift.
      const std::vector<float> shift = shift_without(node, w, pad);
      arguments.emplace_back(
          DNNL_ARG_BIAS,
          chain_.fixed(buffer_of(shift.data(), shift.size() * sizeof(float)), by_filter));
      arguments.emplace_back(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC,
                             chain_.fixed(buffer_of(&pad, sizeof(pad)),
                                          Desc({1}, dnnl::memory::data_type::s32, Dims{1})));
    }
    chain_.run(dnnl::convolution_forward(pd), arguments, pd.scratchpad_desc());
    chain_.finish(request);
  }

  void run(const KernelCall& call) const override {
    if (residual_bytes_ > 0 && call.src[4] != call.dst[0]) copy_residual(call);
    chain_.run(call);
  }
  size_t scratch_bytes() const override { return chain_.scratch_bytes(); }
  std::string_view name() const override { return "onednn quantized conv"; }

 private:
  static bool needs_pads(const ops::ConvShape& s) {
    for (size_t i = 0; i < s.window.rank(); ++i)
      if (s.window.begin[i] > 0 || s.window.end[i] > 0) return true;
    return false;
  }

  // shift[o] + scale[o] zero sum of w[o, ...]
  static std::vector<float> shift_without(const Node& node, const Tensor& w, int32_t zero) {
    const Tensor scale = constant_of(node.inputs[2]).contiguous();
    const Tensor shift = constant_of(node.inputs[3]).contiguous();
    const int64_t filters = w.size(0), n = w.count() / filters;
    std::vector<float> out;
    for (int64_t o = 0; o < filters; ++o) {
      int64_t sum = 0;
      for (int64_t i = 0; i < n; ++i) sum += w.data<int8_t>()[o * n + i];
      out.push_back(static_cast<float>(shift.data<float>()[o] +
                                       static_cast<double>(scale.data<float>()[o]) * zero * sum));
    }
    return out;
  }

  void copy_residual(const KernelCall& call) const {
    const auto n = static_cast<int64_t>(residual_bytes_);
    parallel(n < kParallelBytes ? 1 : threads_, [&](int part, int parts) {
      const Range r = part_of(n, part, parts, 64);
      std::memcpy(static_cast<std::byte*>(call.dst[0]) + r.begin,
                  static_cast<const std::byte*>(call.src[4]) + r.begin,
                  static_cast<size_t>(r.end - r.begin));
    });
  }

  Chain chain_;
  size_t residual_bytes_ = 0;
  int threads_;
};

class QuantizedMatmul final : public Kernel {
 public:
  explicit QuantizedMatmul(const KernelRequest& request) {
    const Node& node = request.node;
    const int64_t n = request.src[0].sizes[0], k = request.src[0].sizes[1];
    const int64_t o = request.src[1].sizes[1];
    const DType to = request.dst[0].dtype;
    const auto bytes = dnnl::memory::data_type::s8;
    const Desc src({n, k}, onednn_type(request.src[0].dtype), Dims{k, 1});
    const Desc dst({n, o}, onednn_type(to), Dims{o, 1});
    const Desc weights({o, k}, bytes, Dims{1, o});
    const Desc any({o, k}, bytes, dnnl::memory::format_tag::any);
    const Desc by_unit({o}, kFloat, Dims{1});
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attributes.set_scales_mask(DNNL_ARG_WEIGHTS, 1);
    dnnl::post_ops post;
    append_clip(node, to, post);
    attributes.set_post_ops(post);
    const ThreadLimit limit(request.threads);
    const dnnl::inner_product_forward::primitive_desc pd(
        onednn_engine(), dnnl::prop_kind::forward_inference, src, any, by_unit, dst, attributes);
    const Tensor w = constant_of(node.inputs[1]).contiguous();
    chain_.run(dnnl::inner_product_forward(pd),
               {{DNNL_ARG_SRC, chain_.src(0, src)},
                {DNNL_ARG_WEIGHTS,
                 chain_.fixed(packed_weights(w, weights, pd.weights_desc()), pd.weights_desc())},
                {DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, chain_.src(2, by_unit)},
                {DNNL_ARG_BIAS, chain_.src(3, by_unit)},
                {DNNL_ARG_DST, chain_.dst(0, dst)}},
               pd.scratchpad_desc());
    chain_.finish(request);
  }

  void run(const KernelCall& call) const override { chain_.run(call); }
  size_t scratch_bytes() const override { return chain_.scratch_bytes(); }
  std::string_view name() const override { return "onednn quantized matmul"; }

 private:
  Chain chain_;
};

bool possible(const KernelRequest& request, int64_t axis_of_inputs) {
  for (const size_t i : {1, 2, 3})
    if (!request.node.inputs[i].node().is("constant")) return false;
  if (request.src[0].count() == 0 || request.dst[0].count() == 0) return false;
  if (has_vnni()) return true;
  return request.src[0].dtype == DType::u8 &&
         ops::pairs_fit_16_bits(constant_of(request.node.inputs[1]), axis_of_inputs);
}

template <class K>
std::unique_ptr<Kernel> make(const KernelRequest& request) {
  try {
    return std::make_unique<K>(request);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return nullptr;
    throw;
  }
}

}  // namespace

std::unique_ptr<Kernel> make_onednn_quantized_conv(const KernelRequest& request) {
  if (!request.node.attr<bool>("channels_last") || !possible(request, 1)) return nullptr;
  return make<QuantizedConv>(request);
}

std::unique_ptr<Kernel> make_onednn_quantized_matmul(const KernelRequest& request) {
  return possible(request, 0) ? make<QuantizedMatmul>(request) : nullptr;
}

}  // namespace andiron::exec
