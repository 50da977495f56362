#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "andiron/tensor/tensor.hpp"

namespace andiron::nn {

/// How a variable gets its first values. A value type, named as in Keras:
///   Initializer("he_normal"), RandomNormal(0.0, 0.05, seed), Constant(0.1).
/// Drawn with Philox, element i from counter i: the same numbers on any number of threads.
class Initializer {
 public:
  enum class Kind { zeros, ones, constant, uniform, normal, truncated_normal, variance_scaling };
  enum class Mode { fan_in, fan_out, fan_avg };

  /// "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform",
  /// "lecun_normal", "random_uniform", "random_normal", "truncated_normal", "orthogonal",
  /// "identity", "zeros", "ones" or the class names ("GlorotUniform"). Throws Error listing them
  /// otherwise.
  Initializer(std::string_view name);  // NOLINT: a name is an initializer, as in Keras
  Initializer(const char* name) : Initializer(std::string_view(name)) {}         // NOLINT
  Initializer(const std::string& name) : Initializer(std::string_view(name)) {}  // NOLINT

  /// Without a seed each call draws another one (nn/seed.hpp).
  Tensor operator()(const Sizes& sizes, DType dtype = DType::f32) const;

  nlohmann::json config() const;
  /// A name, or {"class_name": ..., "config": {...}}.
  static Initializer from_config(const nlohmann::json& config);

  Kind kind = Kind::zeros;
  /// zeros..constant: a is the value. uniform: [a, b). normal: mean a, deviation b.
  double a = 0.0, b = 0.0;
  /// variance_scaling: variance scale / fan, drawn from `distribution` "uniform",
  /// "truncated_normal" or "untruncated_normal". Matrices have the distribution "orthogonal" or
  /// "identity", and `scale` is their gain.
  double scale = 1.0;
  Mode mode = Mode::fan_in;
  std::string distribution = "truncated_normal";
  std::optional<int64_t> seed;
};

Initializer Zeros();
Initializer Ones();
Initializer Constant(double value = 0.0);
Initializer RandomUniform(double minval = -0.05, double maxval = 0.05,
                          std::optional<int64_t> seed = {});
Initializer RandomNormal(double mean = 0.0, double stddev = 0.05, std::optional<int64_t> seed = {});
/// Redrawn until within two standard deviations of the mean.
Initializer TruncatedNormal(double mean = 0.0, double stddev = 0.05,
                            std::optional<int64_t> seed = {});
Initializer VarianceScaling(double scale = 1.0, Initializer::Mode mode = Initializer::Mode::fan_in,
                            std::string distribution = "truncated_normal",
                            std::optional<int64_t> seed = {});
/// gain times a random matrix with orthonormal columns, or rows where these are fewer; the axes
/// before the last are its rows. Saxe et al. 2014.
Initializer Orthogonal(double gain = 1.0, std::optional<int64_t> seed = {});
/// gain on the diagonal of a matrix.
Initializer IdentityMatrix(double gain = 1.0);
/// Glorot & Bengio 2010: variance 2 / (fan_in + fan_out).
Initializer GlorotUniform(std::optional<int64_t> seed = {});
Initializer GlorotNormal(std::optional<int64_t> seed = {});
/// He et al. 2015: variance 2 / fan_in.
Initializer HeUniform(std::optional<int64_t> seed = {});
Initializer HeNormal(std::optional<int64_t> seed = {});
/// LeCun et al. 1998: variance 1 / fan_in.
Initializer LecunUniform(std::optional<int64_t> seed = {});
Initializer LecunNormal(std::optional<int64_t> seed = {});

}  // namespace andiron::nn
