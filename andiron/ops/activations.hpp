#pragma once

#include "andiron/graph/value.hpp"

/// Activations made of other ops: composites, as those of ops.hpp. Each has Keras 3's name.
namespace andiron::ops {

Value relu6(const Value& x);                       ///< clip(x, 0, 6)
Value selu(const Value& x);                        ///< 1.0507 elu(x, 1.6733). Klambauer et al. 2017
Value celu(const Value& x, double alpha = 1.0);    ///< alpha elu(x / alpha). Barron 2017
Value silu(const Value& x);                        ///< x sigmoid(x). Ramachandran et al. 2017
Value mish(const Value& x);                        ///< x tanh(softplus(x)). Misra 2019
Value hard_sigmoid(const Value& x);                ///< clip(x / 6 + 1/2, 0, 1)
Value hard_silu(const Value& x);                   ///< x hard_sigmoid(x). Howard et al. 2019
Value hard_tanh(const Value& x);                   ///< clip(x, -1, 1)
Value softsign(const Value& x);                    ///< x / (1 + |x|)
Value squareplus(const Value& x, double b = 4.0);  ///< (x + sqrt(x^2 + b)) / 2. Barron 2021
Value log_sigmoid(const Value& x);                 ///< -softplus(-x)
Value tanh_shrink(const Value& x);                 ///< x - tanh(x)
Value soft_shrink(const Value& x, double threshold = 0.5);  ///< x - clip(x, -threshold, threshold)
Value hard_shrink(const Value& x, double threshold = 0.5);  ///< 0 where |x| <= threshold
Value threshold(const Value& x, double threshold, double value);  ///< x where above, else value
Value sparse_plus(const Value& x);     ///< 0 below -1, x above 1, (x + 1)^2 / 4 between
Value sparse_sigmoid(const Value& x);  ///< clip((x + 1) / 2, 0, 1)
/// The point of the simplex that is nearest to x along the axis. Martins and Astudillo 2016.
Value sparsemax(const Value& x, int64_t axis = -1);
/// The first half times the sigmoid of the second. Dauphin et al. 2017.
Value glu(const Value& x, int64_t axis = -1);
/// x where above 0, else alpha x; alpha broadcasts. He et al. 2015.
Value prelu(const Value& x, const Value& alpha);
/// The greatest of each run of size / units elements along the axis. Goodfellow et al. 2013.
Value maxout(const Value& x, int64_t units, int64_t axis = -1);

}  // namespace andiron::ops
