#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "andiron/collective/communicator.hpp"
#include "andiron/nn/optimizers/exchange.hpp"

namespace andiron::train {

/// The workers of a data-parallel training: each has the whole model and some of the samples. What
/// they exchange in a step travels on the communicator's thread while the plan computes.
/// Thread safety: one training at a time. Throws IoError with the communicator's reason when a
/// worker is lost, on all of them.
class DataParallel : public nn::Exchange {
 public:
  /// `capacity`: the most samples that any worker has in a step; the same on all. `bf16` halves the
  /// bytes of gradients on the wire, dense (see collective::Wire) and rows (rounded once, added up
  /// in float32).
  DataParallel(std::shared_ptr<collective::Communicator> communicator, int64_t capacity,
               bool bf16 = false);
  /// Aborts and waits for what is under way: its memory is here and in plans.
  ~DataParallel() override;

  int worker() const { return communicator_->rank(); }
  int workers() const override { return communicator_->size(); }
  int64_t capacity() const override { return capacity_; }
  void check(const Variable& variable) const override;
  collective::Communicator& communicator() { return *communicator_; }

  /// Names the step in all messages until the next call. `counts`: whether this worker has samples
  /// in it; if not, it adds zeros and no rows, whatever its plan computes.
  void set_step(int64_t step, bool counts) {
    step_ = static_cast<uint64_t>(step);
    counts_ = counts;
  }

  void sum_start(uint32_t bucket, std::span<const Tensor> values, bool exact) override;
  void sum_wait(uint32_t bucket) override;
  void gather_start(uint32_t bucket, int64_t count, const Tensor& rows,
                    std::span<const Tensor> values, const Tensor& ids,
                    std::span<const Tensor> all) override;
  void gather_wait(uint32_t bucket) override;

  /// Between steps: everybody's bytes in the order of the workers.
  std::vector<std::string> gather(const std::string& mine);
  /// The first worker's bytes on all.
  std::string from_first(const std::string& mine);
  /// Tells the others that this one gives up, and why; waits until nothing is under way any more.
  void abort(const std::string& why);

 private:
  // What is under way for one bucket. Memory is kept from step to step.
  struct Sum {
    std::vector<std::byte> packed;  // small values, one behind the other
    std::vector<std::span<std::byte>> small;
    std::vector<collective::Request> requests;
  };
  struct Table {
    collective::Slots slots;  // the memory is the plan's
    size_t width = 0;
    // Where they travel as bfloat16: this worker's, and all.
    std::vector<uint16_t> rounded;
    collective::Gathered all;
  };
  struct Gather {
    collective::Slots ids;
    std::vector<Table> tables;
    std::vector<collective::Request> requests;
  };
  void start_rows(Table& table, size_t n_rows, const Tensor& values, uint32_t bucket, Gather& g);
  bool under_way() const;
  collective::Label label(uint32_t bucket) const { return {step_, bucket}; }

  std::shared_ptr<collective::Communicator> communicator_;
  int64_t capacity_;
  collective::Wire wire_;
  uint64_t step_ = 0;
  bool counts_ = true;
  std::map<uint32_t, Sum> sums_;
  std::map<uint32_t, Gather> gathers_;
};

}  // namespace andiron::train
