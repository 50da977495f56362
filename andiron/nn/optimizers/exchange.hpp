#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/ops/embedding/row_sparse.hpp"

namespace andiron::nn {

/// What the workers of a data-parallel training exchange in a step. Every worker calls the same
/// functions in the same order in each step, with buckets and sizes that are the same for all.
/// Implementations throw Error or IoError when a worker is lost.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual int workers() const = 0;
  /// The most samples that one worker has in a step.
  virtual int64_t capacity() const = 0;
  /// Throws Error when gradients of this variable cannot be exchanged.
  virtual void check(const Variable& variable) const { (void)variable; }

  /// Begins to add the workers' values up, in place; they stay as they are until sum_wait.
  /// `exact`: no rounding on the way, however gradients travel.
  virtual void sum_start(uint32_t bucket, std::span<const Tensor> values, bool exact) = 0;
  virtual void sum_wait(uint32_t bucket) = 0;
  /// Begins to bring the workers' rows together: the first `count` of rows [n] int32 and of each of
  /// `values` [n, d], into ids [workers * most] int32 and `all` [workers * most, d], where every
  /// worker has `most` places. The results stay as they are until gather_wait.
  virtual void gather_start(uint32_t bucket, int64_t count, const Tensor& rows,
                            std::span<const Tensor> values, const Tensor& ids,
                            std::span<const Tensor> all) = 0;
  /// Places that a worker does not need have negative ids, and any values.
  virtual void gather_wait(uint32_t bucket) = 0;
};

/// Builds the exchanges of one training step, bucket by bucket. Starts are chained, so that every
/// plan runs them in this order; waits come as late as they can.
class ExchangeBuilder {
 public:
  explicit ExchangeBuilder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

  /// The sums over all workers. `exact`: of numbers that are no gradients.
  std::vector<Value> sum(const std::vector<Value>& values, bool exact = false);

  /// What all workers have of the gradients of tables that are looked up by the same ids.
  struct Rows {
    Value ids;                  ///< [m], negative: none
    std::vector<Value> values;  ///< [m, d] each; of negative ids they may be anything
  };
  /// values [n, d]: the sums of the rows that `d` lists. No worker has more than `most` rows.
  Rows gather(const ops::Dedup& d, const std::vector<Value>& values, int64_t most);

 private:
  std::shared_ptr<Exchange> exchange_;
  uint32_t bucket_ = 0;
  Value token_;  // of the start before
};

}  // namespace andiron::nn
