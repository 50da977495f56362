#include <omp.h>

#include <algorithm>

#include "andiron/exec/kernel.hpp"
#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/box_copy.hpp"
#include "andiron/exec/native/cast_elements.hpp"
#include "andiron/exec/native/category_kernels.hpp"
#include "andiron/exec/native/channel_kernels.hpp"
#include "andiron/exec/native/conv_bytes.hpp"
#include "andiron/exec/native/depthwise_block.hpp"
#include "andiron/exec/native/depthwise_bytes.hpp"
#include "andiron/exec/native/embedding_kernels.hpp"
#include "andiron/exec/native/fold_axes.hpp"
#include "andiron/exec/native/group_norm.hpp"
#include "andiron/exec/native/integer_elements.hpp"
#include "andiron/exec/native/matvec.hpp"
#include "andiron/exec/native/optimizer_kernels.hpp"
#include "andiron/exec/native/pool_rows.hpp"
#include "andiron/exec/native/program_kernel.hpp"
#include "andiron/exec/native/quantized_rows.hpp"
#include "andiron/exec/native/random_fill.hpp"
#include "andiron/exec/native/select_rows.hpp"
#include "andiron/exec/native/softmax_rows.hpp"
#include "andiron/exec/native/winograd.hpp"
#include "andiron/exec/onednn/conv.hpp"
#include "andiron/exec/onednn/counted_matmul.hpp"
#include "andiron/exec/onednn/matmul.hpp"
#include "andiron/exec/onednn/quantized.hpp"
#include "andiron/exec/reference_kernel.hpp"

namespace andiron::exec {

namespace {

// Asked for every op.
constexpr std::string_view kAnyOp = "*";

}  // namespace

// The order within an op is the order of preference.
std::span<const KernelEntry> kernel_table() {
  // op, make, strided src, strided dst, accumulates
  static const std::vector<KernelEntry> table = {
      {"matmul", make_matvec, true, true, true},
      {"matmul", make_onednn_matmul, true, true, true},
      {"fused_matmul", make_fused_matvec, true, true, false},
      {"fused_matmul", make_onednn_fused_matmul, true, true, false},
      {"counted_matmul", make_counted_matmul, false, false, false},
      {"fused", make_fused_kernel, true, true, true},
      {"embedding", make_embedding, false, true, false},
      {"embedding_bag", make_embedding_bag, false, true, false},
      {"embedding_grad_dense", make_embedding_grad_dense, true, false, true},
      {"dedup", make_dedup, false, false, false},
      {"sum_segments", make_sum_segments, true, false, false},
      {"occurring_places", make_occurring_places},
      {"occurring_rows", make_occurring_rows},
      {"embedding_bag_grad_values", make_embedding_bag_grad_values},
      {"column_ids", make_column_ids},
      {"hash_cross", make_hash_cross, false, false, false},
      {"hash_bins", make_hash_bins},
      {"cross_bins", make_cross_bins},
      {"lookup", make_lookup},
      {"bucketize", make_bucketize},
      {"multi_hot", make_multi_hot},
      {kAnyOp, make_optimizer, true, false, false},
      {"conv", make_winograd_conv, false, true, false},
      {"conv", make_onednn_conv},
      {"fused_conv", make_winograd_conv, false, true, false},
      {"fused_conv", make_onednn_conv},
      {"depthwise_block", make_depthwise_block},
      {"quantized_conv", make_depthwise_bytes},
      {"quantized_conv", make_conv_bytes, true, true, false},
      {"quantized_conv", make_onednn_quantized_conv},
      {"quantized_matmul", make_onednn_quantized_matmul},
      {"quantize", make_quantize},
      {"dequantize", make_dequantize},
      {"quantized_sum", make_quantized_sum},
      {"quantized_lrn", make_quantized_lrn},
      {"conv_grad_src", make_winograd_conv_grad_src, false, true, false},
      {"conv_grad_src", make_onednn_conv_grad_src},
      {"conv_grad_weights", make_winograd_conv_grad_weights, true, false, false},
      {"conv_grad_weights", make_onednn_conv_grad_weights},
      {"max_pool", make_pool},
      {"max_pool_grad", make_pool},
      {"avg_pool", make_pool},
      {"avg_pool_grad", make_pool},
      {"batch_moments", make_batch_moments},
      {"group_norm", make_group_norm},
      {"group_norm_grad", make_group_norm_grad},
      {"group_norm_grad_scale", make_group_norm_grad_scale, false, false, true},
      {"lrn", make_lrn},
      {"channel_window_sum", make_channel_window_sum},
      {"softmax", make_softmax},
      {"log_softmax", make_log_softmax},
      {"logsumexp", make_logsumexp},
      {"sparse_softmax_cross_entropy", make_sparse_softmax_cross_entropy},
      {"sparse_softmax_cross_entropy_grad", make_sparse_softmax_cross_entropy_grad},
      {"concat", make_concat, true, true, false},
      {"split", make_split, true, true, false},
      {"slice", make_slice, true, true, false},
      {"pad", make_pad, true, true, false},
      {"transpose", make_transpose, true, true, false},
      {"gather", make_gather},
      {"gather_elements", make_gather_elements},
      {"gather_grad", make_gather_grad},
      {"scatter_elements", make_scatter_elements},
      {"one_hot", make_one_hot},
      {"argmax", make_argmax},
      {"topk", make_topk},
      {"sort", make_sort},
      {"cumsum", make_running},
      {"cumprod", make_running},
      {"resample", make_resample},
      {"random_uniform", make_random_uniform},
      {"random_normal", make_random_normal},
      {"sum", make_fold_axes, true, true, true},
      {"max", make_fold_axes, true, true, true},
      {"min", make_fold_axes, true, true, true},
      {"prod", make_fold_axes, true, true, true},
      // Elementwise ops and reductions that vector_form.cpp knows.
      {kAnyOp, make_vector_kernel, true, true, true},
      {kAnyOp, make_integer_elements},
      {"cast", make_cast},
  };
  return table;
}

namespace {

bool understands(const KernelEntry& entry, const KernelRequest& request) {
  if (entry.op != kAnyOp && entry.op != request.node.op->name) return false;
  auto dense = [](const std::vector<Operand>& operands) {
    return std::all_of(operands.begin(), operands.end(),
                       [](const Operand& o) { return o.dense(); });
  };
  if (!entry.strided_src && !dense(request.src)) return false;
  if (!entry.strided_dst && !dense(request.dst)) return false;
  return entry.accumulates || std::none_of(request.accumulate.begin(), request.accumulate.end(),
                                           [](bool b) { return b; });
}

}  // namespace

// OpenMP brings no more threads than OMP_THREAD_LIMIT, and oneDNN's kernels give wrong results, or
// wait for ever, when fewer come than were asked for.
static KernelRequest within_thread_limit(KernelRequest request) {
  request.threads = std::min(request.threads, omp_get_thread_limit());
  return request;
}

std::unique_ptr<Kernel> make_kernel(const KernelRequest& asked) {
  const KernelRequest request = within_thread_limit(asked);
  for (const KernelEntry& entry : kernel_table()) {
    if (!understands(entry, request)) continue;
    if (std::unique_ptr<Kernel> kernel = entry.make(request)) return kernel;
  }
  return make_reference(request);
}

KernelSupport supports(const KernelRequest& asked, std::unique_ptr<Kernel>* kernel) {
  const KernelRequest request = within_thread_limit(asked);
  for (const KernelEntry& entry : kernel_table()) {
    if (!understands(entry, request)) continue;
    std::unique_ptr<Kernel> made = entry.make(request);
    if (made == nullptr) continue;
    if (kernel != nullptr) *kernel = std::move(made);
    return {entry.strided_src, entry.strided_dst, entry.accumulates};
  }
  return {};
}

Range part_of(int64_t n, int64_t part, int64_t parts, int64_t grain) {
  const int64_t grains = (n + grain - 1) / grain;
  const int64_t begin = std::min(n, grains * part / parts * grain);
  const int64_t end = std::min(n, grains * (part + 1) / parts * grain);
  return {begin, end};
}

}  // namespace andiron::exec
