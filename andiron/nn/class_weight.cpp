#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/nn/compiled_model.hpp"

namespace andiron::nn {

Tensor sample_weight_of_classes(const Tensor& labels,
                                const std::map<int64_t, double>& class_weight) {
  if (!labels.defined() || labels.rank() < 1 || labels.rank() > 2)
    fail("[class_weight] needs labels [n], [n,1] or one-hot [n,classes]; got {}",
         labels.defined() ? str(labels.sizes()) : "none");
  for (const auto& [id, weight] : class_weight)
    if (!(weight >= 0.0) || !std::isfinite(weight))
      fail("[class_weight] the weight of class {} must be finite and not negative; got {}", id,
           weight);
  const int64_t n = labels.size(0), classes = labels.rank() == 2 ? labels.size(1) : 1;
  const Tensor values = labels.cast(DType::f64).contiguous();
  Tensor out(DType::f32, {n});
  for (int64_t i = 0; i < n; ++i) {
    const double* row = values.data<double>() + i * classes;
    int64_t id = 0;
    if (classes == 1) {
      id = static_cast<int64_t>(std::llround(row[0]));
    } else {
      for (int64_t c = 1; c < classes; ++c)
        if (row[c] > row[id]) id = c;
    }
    const auto found = class_weight.find(id);
    out.data<float>()[i] = found == class_weight.end() ? 1.0F : static_cast<float>(found->second);
  }
  return out;
}

}  // namespace andiron::nn
