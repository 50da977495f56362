#include "andiron/nn/class_weight.hpp"

#include <cmath>

#include "andiron/base/error.hpp"

namespace andiron::nn {

std::vector<int64_t> class_ids(const Tensor& labels) {
  if (!labels.defined() || labels.rank() < 1 || labels.rank() > 2)
    fail("[class_weight] needs labels [n], [n,1] or one-hot [n,classes]; got {}",
         labels.defined() ? str(labels.sizes()) : "none");
  const int64_t n = labels.size(0), classes = labels.rank() == 2 ? labels.size(1) : 1;
  const Tensor values = labels.cast(DType::f64).contiguous();
  std::vector<int64_t> ids(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const double* row = values.data<double>() + i * classes;
    int64_t& id = ids[static_cast<size_t>(i)];
    if (classes == 1) {
      id = static_cast<int64_t>(std::llround(row[0]));
    } else {
      for (int64_t c = 1; c < classes; ++c)
        if (row[c] > row[id]) id = c;
    }
  }
  return ids;
}

Tensor sample_weight_of_classes(const Tensor& labels,
                                const std::map<int64_t, double>& class_weight) {
  const std::vector<int64_t> ids = class_ids(labels);
  for (const auto& [id, weight] : class_weight)
    if (!(weight >= 0.0) || !std::isfinite(weight))
      fail("[class_weight] the weight of class {} must be finite and not negative; got {}", id,
           weight);
  Tensor out(DType::f32, {static_cast<int64_t>(ids.size())});
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto found = class_weight.find(ids[i]);
    out.data<float>()[i] = found == class_weight.end() ? 1.0F : static_cast<float>(found->second);
  }
  return out;
}

}  // namespace andiron::nn
