#include "andiron/train/class_counts.hpp"

#include "andiron/base/error.hpp"
#include "andiron/nn/class_weight.hpp"

namespace andiron::train {

std::map<int64_t, int64_t> class_counts(BatchSource& source,
                                        const std::function<void()>& between_batches) {
  std::map<int64_t, int64_t> counts;
  source.start(0);
  try {
    while (const nn::Batch* batch = source.next()) {
      if (batch->y.empty()) fail("[class_weight] needs a target");
      for (int64_t id : nn::class_ids(batch->y[0])) ++counts[id];
      if (between_batches) between_batches();
    }
  } catch (...) {
    source.stop();
    throw;
  }
  source.stop();
  return counts;
}

}  // namespace andiron::train
