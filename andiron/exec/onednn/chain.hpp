#pragma once

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

dnnl::engine& onednn_engine();
/// One for each thread.
dnnl::stream& onednn_stream();
dnnl::memory::data_type onednn_type(DType dtype);

/// What oneDNN sees of the number of threads while a primitive is made or run.
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int before_, threads_;
};

/// Primitives run one after another on the operands and the scratch of a kernel: reorders and what
/// they are for. Made in a kernel's constructor, run by any of its workers.
class Chain {
 public:
  /// Memories by number; where they lie is known when the chain runs.
  int src(size_t operand, const dnnl::memory::desc& desc) { return add(Place::src, operand, desc); }
  int dst(size_t operand, const dnnl::memory::desc& desc) { return add(Place::dst, operand, desc); }
  int scratch(const dnnl::memory::desc& desc);
  /// Memory that stays the same, kept alive by the chain.
  int fixed(std::shared_ptr<Buffer> buffer, const dnnl::memory::desc& desc);
  /// The memory itself when it has this description already, else a copy made by a reorder.
  int as(int memory, const dnnl::memory::desc& desc);
  void reorder(int from, int to);
  void run(dnnl::primitive primitive, std::vector<std::pair<int, int>> arguments,
           const dnnl::memory::desc& scratchpad);
  /// After the last step, once.
  void finish(const KernelRequest& request);

  void run(const KernelCall& call) const;
  size_t scratch_bytes() const { return scratch_bytes_ + scratchpad_bytes_; }

 private:
  enum class Place { src, dst, scratch, scratchpad, fixed };
  struct Memory {
    Place place;
    size_t at;  // operand, offset or number of the fixed buffer
    dnnl::memory::desc desc;
  };
  struct Step {
    dnnl::primitive primitive;
    std::vector<std::pair<int, int>> arguments;  // (oneDNN's name, memory)
  };
  struct Worker {
    std::vector<dnnl::memory> memories;
    std::vector<std::vector<dnnl_exec_arg_t>> arguments;  // of each step
  };
  int add(Place place, size_t at, const dnnl::memory::desc& desc);

  std::vector<Memory> memories_;
  std::vector<Step> steps_;
  std::vector<Worker> workers_;
  std::vector<std::shared_ptr<Buffer>> fixed_;
  size_t scratch_bytes_ = 0, scratchpad_bytes_ = 0;
  int threads_ = 1;
};

}  // namespace andiron::exec
