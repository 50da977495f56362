#include "andiron/exec/onednn/conv.hpp"

#include <functional>

#include "andiron/exec/onednn/chain.hpp"
#include "andiron/exec/onednn/packed_weights.hpp"
#include "andiron/ops/conv/conv.hpp"

namespace andiron::exec {

namespace {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;

// A convolution in oneDNN's words.
struct Description {
  Description(const ops::ConvShape& s, DType dtype)
      : strides(s.window.strides), begin(s.window.begin), end(s.window.end) {
    const auto type = onednn_type(dtype);
    for (int64_t d : s.window.dilations) dilations.push_back(d - 1);
    auto channels_last = [&](const Sizes& sizes) {  // [N, C, spatial...]
      Dims strides(sizes.size());
      int64_t stride = sizes[1];
      strides[1] = 1;
      for (size_t i = sizes.size(); i-- > 2; stride *= sizes[i]) strides[i] = stride;
      strides[0] = stride;
      return Desc(sizes, type, strides);
    };
    src = channels_last(s.src.sizes());
    dst = channels_last(s.dst.sizes());
    Dims sizes = {s.filters, s.channels / s.groups};
    if (s.groups > 1) sizes = {s.groups, s.filters / s.groups, s.channels / s.groups};
    sizes.insert(sizes.end(), s.window.kernel.begin(), s.window.kernel.end());
    weights = Desc(sizes, type, dense_strides(sizes));
    any_src = Desc(src.get_dims(), type, dnnl::memory::format_tag::any);
    any_dst = Desc(dst.get_dims(), type, dnnl::memory::format_tag::any);
    any_weights = Desc(sizes, type, dnnl::memory::format_tag::any);
    bias = Desc({s.filters}, type, Dims{1});
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  }

  Dims strides, dilations, begin, end;
  Desc src, dst, weights, any_src, any_dst, any_weights, bias;
  dnnl::primitive_attr attributes;
};

constexpr auto kDirect = dnnl::algorithm::convolution_direct;

dnnl::convolution_forward::primitive_desc forward(const Description& d, dnnl::prop_kind kind,
                                                  const Desc& src, const Desc& dst, bool bias) {
  if (bias)
    return {onednn_engine(), kind,        kDirect, src,   d.any_weights, d.bias, dst,
            d.strides,       d.dilations, d.begin, d.end, d.attributes};
  return {onednn_engine(), kind,        kDirect, src,   d.any_weights, dst,
          d.strides,       d.dilations, d.begin, d.end, d.attributes};
}

// With channels last where oneDNN has more than its plain loops for it, else as it likes best.
template <class Describe>
auto preferred(const Description& d, Describe describe) {
  auto description = describe(d.src, d.dst);
  if (std::string_view(description.impl_info_str()).starts_with("ref")) {
    auto other = describe(d.any_src, d.any_dst);
    if (!std::string_view(other.impl_info_str()).starts_with("ref")) return other;
  }
  return description;
}

// What comes behind the sum, as post-ops: the residual, the activation.
void append_rest(const Node& node, const Description& d, dnnl::primitive_attr& attributes,
                 const Desc& residual) {
  dnnl::post_ops post;
  if (node.inputs.size() > 3) post.append_binary(dnnl::algorithm::binary_add, residual);
  const auto& activation = node.attr<std::string>("activation");
  if (activation == "relu") post.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  if (activation == "clip")
    post.append_eltwise(dnnl::algorithm::eltwise_clip_v2,
                        static_cast<float>(node.attr<double>("low")),
                        static_cast<float>(node.attr<double>("high")));
  attributes = d.attributes;
  attributes.set_post_ops(post);
}

class Conv final : public Kernel {
 public:
  explicit Conv(const KernelRequest& request) : name_("onednn conv") {
    const Node& node = request.node;
    Description d(ops::conv_shape(node), request.src[0].dtype);
    const bool bias = request.src.size() > 2, residual = request.src.size() > 3;
    if (node.is("fused_conv")) append_rest(node, d, d.attributes, d.dst);
    const ThreadLimit limit(request.threads);
    auto describe = [&](const Desc& src, const Desc& dst) {
      return forward(d, dnnl::prop_kind::forward_inference, src, dst, bias);
    };
    // A residual is added where it lies.
    const auto pd = residual ? describe(d.src, d.dst) : preferred(d, describe);
    const int dst = chain_.dst(0, d.dst);
    const bool direct = pd.dst_desc() == d.dst;
    const int result = direct ? dst : chain_.scratch(pd.dst_desc());
    const Value& w = node.inputs[1];
    const bool constant = w.node().is("constant") && pd.weights_desc() != d.weights;
    const int weights =
        constant ? chain_.fixed(packed_weights(w.node().attr<Tensor>("tensor").contiguous(),
                                               d.weights, pd.weights_desc()),
                                pd.weights_desc())
                 : chain_.as(chain_.src(1, d.weights), pd.weights_desc());
    std::vector<std::pair<int, int>> arguments{
        {DNNL_ARG_SRC, chain_.as(chain_.src(0, d.src), pd.src_desc())},
        {DNNL_ARG_WEIGHTS, weights},
        {DNNL_ARG_DST, result}};
    if (bias) arguments.emplace_back(DNNL_ARG_BIAS, chain_.src(2, d.bias));
    if (residual)
      arguments.emplace_back(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
                             chain_.src(3, d.dst));
    chain_.run(dnnl::convolution_forward(pd), arguments, pd.scratchpad_desc());
    if (!direct) chain_.reorder(result, dst);
    chain_.finish(request);
  }

  // The gradients; `weights` says which.
  Conv(const KernelRequest& request, bool weights) {
    const ops::ConvShape s = ops::conv_shape(request.node);
    const Description d(s, request.src[0].dtype);
    const ThreadLimit limit(request.threads);
    weights ? grad_weights(request, d) : grad_src(d);
    chain_.finish(request);
  }

  void run(const KernelCall& call) const override { chain_.run(call); }
  size_t scratch_bytes() const override { return chain_.scratch_bytes(); }
  std::string_view name() const override { return name_; }

 private:
  void grad_src(const Description& d) {
    name_ = "onednn conv grad src";
    const auto pd = preferred(d, [&](const Desc& src, const Desc& dst) {
      return dnnl::convolution_backward_data::primitive_desc(
          onednn_engine(), kDirect, src, d.any_weights, dst, d.strides, d.dilations, d.begin, d.end,
          forward(d, dnnl::prop_kind::forward_training, src, dst, false), d.attributes);
    });
    const int dst = chain_.dst(0, d.src);
    const bool direct = pd.diff_src_desc() == d.src;
    const int result = direct ? dst : chain_.scratch(pd.diff_src_desc());
    chain_.run(dnnl::convolution_backward_data(pd),
               {{DNNL_ARG_DIFF_DST, chain_.as(chain_.src(0, d.dst), pd.diff_dst_desc())},
                {DNNL_ARG_WEIGHTS, chain_.as(chain_.src(1, d.weights), pd.weights_desc())},
                {DNNL_ARG_DIFF_SRC, result}},
               pd.scratchpad_desc());
    if (!direct) chain_.reorder(result, dst);
  }

  void grad_weights(const KernelRequest& request, const Description& d) {
    name_ = "onednn conv grad weights";
    const bool bias = request.dst.size() > 1;
    using PrimitiveDesc = dnnl::convolution_backward_weights::primitive_desc;
    const auto pd = preferred(d, [&](const Desc& src, const Desc& dst) {
      const auto hint = forward(d, dnnl::prop_kind::forward_training, src, dst, bias);
      if (bias)
        return PrimitiveDesc(onednn_engine(), kDirect, src, d.any_weights, d.bias, dst, d.strides,
                             d.dilations, d.begin, d.end, hint, d.attributes);
      return PrimitiveDesc(onednn_engine(), kDirect, src, d.any_weights, dst, d.strides,
                           d.dilations, d.begin, d.end, hint, d.attributes);
    });
    const int dst = chain_.dst(0, d.weights);
    const bool direct = pd.diff_weights_desc() == d.weights;
    const int result = direct ? dst : chain_.scratch(pd.diff_weights_desc());
    std::vector<std::pair<int, int>> arguments{
        {DNNL_ARG_SRC, chain_.as(chain_.src(0, d.src), pd.src_desc())},
        {DNNL_ARG_DIFF_DST, chain_.as(chain_.src(1, d.dst), pd.diff_dst_desc())},
        {DNNL_ARG_DIFF_WEIGHTS, result}};
    if (bias) arguments.emplace_back(DNNL_ARG_DIFF_BIAS, chain_.dst(1, d.bias));
    chain_.run(dnnl::convolution_backward_weights(pd), arguments, pd.scratchpad_desc());
    if (!direct) chain_.reorder(result, dst);
  }

  Chain chain_;
  std::string_view name_;
};

bool possible(const KernelRequest& request) {
  if (!request.node.attr<bool>("channels_last")) return false;
  const DType dtype = request.src[0].dtype;
  if (dtype != DType::f32 && dtype != DType::bf16) return false;
  return request.src[0].count() > 0 && request.dst[0].count() > 0;
}

// Null where oneDNN has no such convolution on this CPU: bfloat16 needs AVX-512.
template <class... Arguments>
std::unique_ptr<Kernel> make(const KernelRequest& request, Arguments... arguments) {
  if (!possible(request)) return nullptr;
  try {
    return std::make_unique<Conv>(request, arguments...);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return nullptr;
    throw;
  }
}

}  // namespace

std::unique_ptr<Kernel> make_onednn_conv(const KernelRequest& request) { return make(request); }
std::unique_ptr<Kernel> make_onednn_conv_grad_src(const KernelRequest& request) {
  return make(request, false);
}
std::unique_ptr<Kernel> make_onednn_conv_grad_weights(const KernelRequest& request) {
  return make(request, true);
}

}  // namespace andiron::exec
