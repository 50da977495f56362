#include "andiron/exec/onednn/matmul.hpp"

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>

#include "andiron/base/error.hpp"
#include "andiron/exec/onednn/chain.hpp"

namespace andiron::exec {

namespace {

// Below this many operations a product is faster on one thread.
constexpr double kParallelFlops = 400e3;

// A matrix, or a stack of matrices, as oneDNN describes it: sizes after transposition.
dnnl::memory::desc describe(const Operand& o, bool transpose) {
  const size_t rank = o.sizes.size();
  dnnl::memory::dims sizes(o.sizes.begin(), o.sizes.end());
  dnnl::memory::dims strides(rank);
  strides[rank - 1] = 1;
  strides[rank - 2] = o.row_stride;
  for (size_t i = rank - 2; i-- > 0;) strides[i] = strides[i + 1] * sizes[i + 1];
  if (transpose) {
    std::swap(sizes[rank - 1], sizes[rank - 2]);
    std::swap(strides[rank - 1], strides[rank - 2]);
  }
  // A size of 1 may have any stride; oneDNN wants one that does not look transposed.
  return {sizes, onednn_type(o.dtype), strides};
}

class Matmul final : public Kernel {
 public:
  Matmul(const KernelRequest& request, const std::string& activation, bool has_bias)
      : has_bias_(has_bias), relu_(activation == "relu"), dst_(request.dst[0]) {
    const Node& node = request.node;
    const bool ta = node.attr<bool>("transpose_a"), tb = node.attr<bool>("transpose_b");
    dnnl::memory::desc a = describe(request.src[0], ta), b = describe(request.src[1], tb);
    const dnnl::memory::desc dst = describe(request.dst[0], false);
    const double flops =
        2.0 * static_cast<double>(request.dst[0].count() *
                                  request.src[0].sizes[request.src[0].sizes.size() - (ta ? 2 : 1)]);
    threads_ = flops < kParallelFlops ? 1 : request.threads;

    dnnl::post_ops post;
    if (request.adds_to(0)) post.append_sum(1.0F);
    if (activation == "sigmoid") post.append_eltwise(dnnl::algorithm::eltwise_logistic, 0, 0);
    if (activation == "tanh") post.append_eltwise(dnnl::algorithm::eltwise_tanh, 0, 0);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(post);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);

    const ThreadLimit limit(threads_);
    dnnl::matmul::primitive_desc description;
    if (has_bias) {
      const dnnl::memory::desc bias({1, request.dst[0].cols()}, onednn_type(request.src[2].dtype),
                                    dnnl::memory::dims{request.dst[0].cols(), 1});
      description = dnnl::matmul::primitive_desc(onednn_engine(), a, b, bias, dst, attributes);
    } else {
      description = dnnl::matmul::primitive_desc(onednn_engine(), a, b, dst, attributes);
    }
    primitive_ = dnnl::matmul(description);
    scratch_bytes_ = description.scratchpad_desc().get_size();
    for (int w = 0; w < request.workers; ++w) {
      Arguments arguments;
      arguments.memories.emplace_back(a, onednn_engine(), nullptr);
      arguments.memories.emplace_back(b, onednn_engine(), nullptr);
      arguments.memories.emplace_back(dst, onednn_engine(), nullptr);
      arguments.memories.emplace_back(description.scratchpad_desc(), onednn_engine(), nullptr);
      std::vector<int> names{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
      if (has_bias) {
        arguments.memories.emplace_back(description.bias_desc(), onednn_engine(), nullptr);
        names.push_back(DNNL_ARG_BIAS);
      }
      for (size_t i = 0; i < names.size(); ++i)
        arguments.items.push_back({names[i], arguments.memories[i].get()});
      workers_.push_back(std::move(arguments));
    }
  }

  void run(const KernelCall& call) const override {
    const Arguments& arguments = workers_[static_cast<size_t>(call.worker)];
    auto set = [&](size_t i, const void* data) {
      dnnl_memory_set_data_handle(arguments.items[i].memory, const_cast<void*>(data));
    };
    set(0, call.src[0]);
    set(1, call.src[1]);
    set(2, call.dst[0]);
    set(3, call.scratch);
    if (has_bias_) set(4, call.src[2]);
    const ThreadLimit limit(threads_);
    const dnnl_status_t status =
        dnnl_primitive_execute(primitive_.get(), onednn_stream().get(),
                               static_cast<int>(arguments.items.size()), arguments.items.data());
    ANDIRON_ASSERT(status == dnnl_success);
    if (relu_) clamp(static_cast<float*>(call.dst[0]));
  }

  size_t scratch_bytes() const override { return scratch_bytes_; }
  std::string_view name() const override { return "onednn matmul"; }

 private:
  struct Arguments {
    std::vector<dnnl::memory> memories;
    std::vector<dnnl_exec_arg_t> items;
  };
  // oneDNN's relu makes 0 of NaN and would hide it; ours keeps it, while dst is still in the cache.
  void clamp(float* dst) const {
    const int64_t rows = dst_.rows(), cols = dst_.cols();
#pragma omp parallel for num_threads(threads_) if (threads_ > 1) schedule(static)
    for (int64_t r = 0; r < rows; ++r) {
      float* row = dst + r * dst_.row_stride;
      for (int64_t i = 0; i < cols; ++i) row[i] = row[i] < 0.0F ? 0.0F : row[i];
    }
  }

  dnnl::matmul primitive_;
  std::vector<Arguments> workers_;
  size_t scratch_bytes_ = 0;
  int threads_ = 1;
  bool has_bias_, relu_;
  Operand dst_;
};

// Null where oneDNN has no such product on this CPU: bfloat16 needs AVX-512.
std::unique_ptr<Kernel> make(const KernelRequest& request, const std::string& activation,
                             bool has_bias) {
  try {
    return std::make_unique<Matmul>(request, activation, has_bias);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return nullptr;
    throw;
  }
}

bool possible(const KernelRequest& request) {
  const Operand &a = request.src[0], &b = request.src[1];
  if (a.dtype != DType::f32 && a.dtype != DType::bf16) return false;
  if (a.count() == 0 || b.count() == 0) return false;
  // oneDNN wants equal ranks; a shared matrix under a stack is left to the reference.
  return a.sizes.size() == b.sizes.size() && a.sizes.size() == request.dst[0].sizes.size() &&
         (a.sizes.size() == 2 || (a.dense() && b.dense()));
}

}  // namespace

std::unique_ptr<Kernel> make_onednn_matmul(const KernelRequest& request) {
  if (!possible(request)) return nullptr;
  return make(request, "linear", false);
}

std::unique_ptr<Kernel> make_onednn_fused_matmul(const KernelRequest& request) {
  if (!possible(request) || request.src[0].dtype != DType::f32) return nullptr;
  return make(request, request.node.attr<std::string>("activation"), request.src.size() > 2);
}

}  // namespace andiron::exec
