#pragma once

#include <string>
#include <vector>

#include "andiron/exec/kernel.hpp"
#include "andiron/graph/graph.hpp"

/// Runs kernels beside the reference kernels; shared by the tests of exec/native.
namespace andiron::exec::testing_support {

struct RunOptions {
  int threads = 1;
  std::vector<bool> accumulate = {};
  int64_t src_gap = 0, dst_gap = 0;  ///< elements between rows
  int helpers = 0;                   ///< of the crew
};

struct RunResult {
  std::vector<Tensor> dst;  ///< dense
  std::string kernel;
};

/// Runs the kernel that make_kernel chooses, with guard bytes around and between the rows of every
/// destination; a broken guard is a test failure. With accumulation destinations start at 1.
RunResult run_kernel(const Node& node, const std::vector<Tensor>& src, const RunOptions& = {});
std::vector<Tensor> run_reference(const Node& node, const std::vector<Tensor>& src);

/// Values in [low, high), the same for the same seed.
Tensor random_tensor(const TensorType& type, uint64_t seed, double low = -2, double high = 2);
std::vector<Tensor> random_inputs(const Node& node, uint64_t seed, double low = -2,
                                  double high = 2);

/// |got - want| <= absolute + relative |want|; NaN equals NaN.
void expect_close(const Tensor& got, const Tensor& want, double relative, double absolute);
void expect_same_bits(const Tensor& got, const Tensor& want);

}  // namespace andiron::exec::testing_support
