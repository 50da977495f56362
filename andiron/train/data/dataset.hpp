#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "andiron/nn/compiled_model.hpp"
#include "andiron/tensor/tensor.hpp"
#include "andiron/train/data/permutation.hpp"

namespace andiron::train {

/// One tensor of a batch: [batch, row...].
struct Field {
  enum class Role { input, label, weight };
  std::string name;
  Role role = Role::input;
  DType dtype = DType::f32;
  Sizes row = {};
};

/// The memory of one batch, filled again and again.
class BatchBuffer {
 public:
  BatchBuffer() = default;
  /// Room for `capacity` rows; a batch has that many or `short_rows`.
  BatchBuffer(const std::vector<Field>& fields, int64_t capacity, int64_t short_rows);

  int64_t rows() const { return rows_; }
  int64_t epoch = 0, index = 0;  ///< which batch it is
  /// The part of the batch's samples, over all workers, that stand here; 0: none, and what stands
  /// here only keeps the place.
  double share = 1.0;

  /// In the order of the fields, `rows()` rows each.
  const std::vector<Tensor>& tensors() const { return view().tensors; }
  /// The same by role, as models take it.
  const nn::Batch& batch() const { return view().batch; }
  /// REQUIRES at most the capacity. Allocates nothing for the capacity, and for the number before.
  void set_rows(int64_t rows);

 private:
  struct View {
    std::vector<Tensor> tensors;
    nn::Batch batch;
  };
  const View& view() const { return rows_ == capacity_ ? full_ : short_; }
  View full_, short_;
  int64_t capacity_ = 0, rows_ = 0;
};

struct DataOptions {
  int64_t batch_size = 32;
  bool shuffle = true;  ///< a new order each epoch, by seed and epoch only
  uint64_t seed = 0;
  bool drop_last = false;  ///< no short last batch (unless it is the only one)
};

/// Samples in batches. A batch is a function of (seed, epoch, index): it does not depend on
/// threads or on what was read before, so training resumes anywhere.
/// Thread safety: `fill` from one thread at a time.
class Dataset {
 public:
  virtual ~Dataset() = default;

  const std::vector<Field>& fields() const { return fields_; }
  const DataOptions& options() const { return options_; }
  int64_t n_samples() const { return n_samples_; }
  /// Batches in an epoch.
  int64_t n_batches() const { return n_batches_; }
  virtual int64_t rows_of(int64_t index) const;
  virtual BatchBuffer make_buffer() const;
  /// How many batches to prepare in the background; 0 where filling one takes less than handing it
  /// from thread to thread while all cores compute.
  virtual int n_ahead() const { return 2; }

  /// Fills batch `index` of `epoch`. Returns false, with `out` undefined, when `stop` became true
  /// (looked at every few thousand samples). Allocates nothing but the order of a new epoch.
  virtual bool fill(int64_t epoch, int64_t index, BatchBuffer& out,
                    const std::atomic<bool>* stop = nullptr);
  /// Samples [first, first + n) of the epoch's order into rows [at, at + n) of `out`; as `fill`
  /// otherwise.
  bool read(int64_t epoch, int64_t first, int64_t n, BatchBuffer& out, int64_t at,
            const std::atomic<bool>* stop = nullptr);

 protected:
  /// Throws Error when there are no samples or options make no sense; `name` is for messages.
  Dataset(std::string name, DataOptions options) : name_(std::move(name)), options_(options) {}
  void set_samples(std::vector<Field> fields, int64_t n_samples);
  /// Which samples stand at [first, first + samples.size()) of an epoch's order: by default a
  /// random order of all, drawn by seed and epoch, or the order that they have.
  virtual void choose(int64_t epoch, int64_t first, std::span<int64_t> samples);
  /// Whether a batch is so small that the step had better fill its own.
  bool cheap_to_fill() const;
  /// Writes the samples to rows [at, at + samples.size()) of the tensors of `out`.
  virtual void gather(std::span<const int64_t> samples, int64_t epoch, BatchBuffer& out,
                      int64_t at) = 0;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  DataOptions options_;
  std::vector<Field> fields_;
  int64_t n_samples_ = 0, n_batches_ = 0;
  Permutation order_;
  int64_t order_epoch_ = -1;
  std::vector<int64_t> samples_;
};

/// Copies rows `rows[i]` of `src` to rows at + i of `dst` (dense, of src's dtype and row shape).
/// Any strides of `src`. REQUIRES rows in range.
void copy_rows(const Tensor& src, std::span<const int64_t> rows, const Tensor& dst, int64_t at);

}  // namespace andiron::train
