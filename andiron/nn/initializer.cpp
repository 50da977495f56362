#include "andiron/nn/initializer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "andiron/base/error.hpp"
#include "andiron/base/philox.hpp"
#include "andiron/exec/kernel.hpp"
#include "andiron/exec/lane.hpp"
#include "andiron/nn/seed.hpp"

namespace andiron::nn {

namespace {

using Kind = Initializer::Kind;
using Mode = Initializer::Mode;

struct Scaling {
  const char *class_name, *name;
  double scale;
  Mode mode;
  const char* distribution;
};
constexpr Scaling kScalings[] = {
    {"GlorotUniform", "glorot_uniform", 1.0, Mode::fan_avg, "uniform"},
    {"GlorotNormal", "glorot_normal", 1.0, Mode::fan_avg, "truncated_normal"},
    {"HeUniform", "he_uniform", 2.0, Mode::fan_in, "uniform"},
    {"HeNormal", "he_normal", 2.0, Mode::fan_in, "truncated_normal"},
    {"LecunUniform", "lecun_uniform", 1.0, Mode::fan_in, "uniform"},
    {"LecunNormal", "lecun_normal", 1.0, Mode::fan_in, "truncated_normal"},
};

struct Plain {
  const char *class_name, *name;
  Kind kind;
  double a, b;
};
constexpr Plain kPlain[] = {
    {"Zeros", "zeros", Kind::zeros, 0.0, 0.0},
    {"Ones", "ones", Kind::ones, 1.0, 0.0},
    {"Zeros", "zero", Kind::zeros, 0.0, 0.0},
    {"Ones", "one", Kind::ones, 1.0, 0.0},
    {"Constant", "constant", Kind::constant, 0.0, 0.0},
    {"RandomUniform", "random_uniform", Kind::uniform, -0.05, 0.05},
    {"RandomUniform", "uniform", Kind::uniform, -0.05, 0.05},
    {"RandomNormal", "random_normal", Kind::normal, 0.0, 0.05},
    {"RandomNormal", "normal", Kind::normal, 0.0, 0.05},
    {"TruncatedNormal", "truncated_normal", Kind::truncated_normal, 0.0, 0.05},
};

// Matrices: `distribution` is their name, and `scale` their gain.
struct Matrix {
  const char *class_name, *name;
};
constexpr Matrix kMatrices[] = {{"Orthogonal", "orthogonal"},
                                {"OrthogonalInitializer", "orthogonal"},
                                {"Identity", "identity"},
                                {"IdentityInitializer", "identity"}};

constexpr const char* kModes[] = {"fan_in", "fan_out", "fan_avg"};

// Box-Muller: four standard normals from four words.
std::array<double, 4> normals(const std::array<uint32_t, 4>& words) {
  std::array<double, 4> z;
  for (size_t pair = 0; pair < 2; ++pair) {
    const double u = (static_cast<double>(words[2 * pair]) + 0.5) * 0x1p-32;  // never 0
    const double angle =
        2.0 * std::numbers::pi * static_cast<double>(words[2 * pair + 1]) * 0x1p-32;
    const double radius = std::sqrt(-2.0 * std::log(u));
    z[2 * pair] = radius * std::cos(angle);
    z[2 * pair + 1] = radius * std::sin(angle);
  }
  return z;
}

double truncated(const Philox& philox, uint64_t i) {
  for (uint64_t attempt = 0;; ++attempt)
    for (double z : normals(philox(i, attempt)))
      if (std::abs(z) <= 2.0) return z;
}

// Four elements from one draw, hence blocks of four whatever the number of threads.
template <class T>
void fill(T* dst, int64_t begin, int64_t end, const Philox& philox, Kind kind, double a, double b) {
  for (int64_t i = begin; i < end; i += 4) {
    const int64_t n = std::min<int64_t>(4, end - i);
    std::array<double, 4> draw{};
    if (kind == Kind::truncated_normal) {
      for (int64_t j = 0; j < n; ++j)
        draw[static_cast<size_t>(j)] = truncated(philox, static_cast<uint64_t>(i + j));
    } else {
      const auto words = philox(static_cast<uint64_t>(i / 4));
      if (kind == Kind::normal) {
        draw = normals(words);
      } else {
        for (size_t j = 0; j < 4; ++j) draw[j] = static_cast<double>(uniform_float(words[j]));
      }
    }
    for (int64_t j = 0; j < n; ++j) {
      const double z = draw[static_cast<size_t>(j)];
      dst[i + j] = static_cast<T>(kind == Kind::uniform ? a + (b - a) * z : a + b * z);
    }
  }
}

// Keras's compute_fans: the axes before the last two are a receptive field.
std::pair<double, double> fans(const Sizes& sizes) {
  if (sizes.empty()) return {1.0, 1.0};
  if (sizes.size() == 1) return {static_cast<double>(sizes[0]), static_cast<double>(sizes[0])};
  double field = 1.0;
  for (size_t i = 0; i + 2 < sizes.size(); ++i) field *= static_cast<double>(sizes[i]);
  return {field * static_cast<double>(sizes[sizes.size() - 2]),
          field * static_cast<double>(sizes.back())};
}

// Makes n rows of `length` numbers orthonormal, one after the other (modified Gram-Schmidt, twice:
// what the first pass leaves of the others is rounding, which the second removes).
void orthonormalize(double* rows, int64_t n, int64_t length) {
  exec::Lane& lane = exec::Lane::main();
  lane.run([&] {
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t i = 0; i < n; ++i) {
        double* row = rows + i * length;
        double square = 0.0;
        for (int64_t k = 0; k < length; ++k) square += row[k] * row[k];
        const double scale = 1.0 / std::sqrt(square);
        for (int64_t k = 0; k < length; ++k) row[k] *= scale;
#pragma omp parallel for num_threads(lane.threads()) if ((n - i) * length > 1 << 15)
        for (int64_t j = i + 1; j < n; ++j) {
          double* other = rows + j * length;
          double along = 0.0;
          for (int64_t k = 0; k < length; ++k) along += row[k] * other[k];
          for (int64_t k = 0; k < length; ++k) other[k] -= along * row[k];
        }
      }
  });
}

// The matrix [rows, columns] of a tensor whose last axis is the columns. Saxe et al. 2014.
Tensor orthogonal(const Sizes& sizes, double gain, const Philox& philox) {
  if (sizes.size() < 2) fail("[Orthogonal] needs a tensor of rank 2 or more; got {}", str(sizes));
  const int64_t columns = sizes.back(), rows = columns == 0 ? 0 : count_of(sizes) / columns;
  const int64_t n = std::min(rows, columns), length = std::max(rows, columns);
  Tensor made(DType::f64, {n, length});
  auto* numbers = made.data<double>();
  fill(numbers, 0, made.count(), philox, Kind::normal, 0.0, 1.0);
  orthonormalize(numbers, n, length);
  Tensor out(DType::f64, sizes);
  for (int64_t i = 0; i < out.count(); ++i) {
    const int64_t row = i / columns, column = i % columns;
    const int64_t at = rows < columns ? row * length + column : column * length + row;
    out.data<double>()[i] = gain * numbers[at];
  }
  return out;
}

Tensor identity(const Sizes& sizes, double gain) {
  if (sizes.size() != 2) fail("[Identity] needs a matrix; got {}", str(sizes));
  Tensor out = Tensor::zeros(DType::f64, sizes);
  for (int64_t i = 0; i < std::min(sizes[0], sizes[1]); ++i)
    out.data<double>()[i * sizes[1] + i] = gain;
  return out;
}

Initializer of_kind(Kind kind, double a, double b, std::optional<int64_t> seed) {
  Initializer out("zeros");
  out.kind = kind;
  out.a = a;
  out.b = b;
  out.seed = seed;
  return out;
}

}  // namespace

Initializer::Initializer(std::string_view name) {
  for (const Scaling& s : kScalings) {
    if (name != s.name && name != s.class_name) continue;
    kind = Kind::variance_scaling;
    scale = s.scale;
    mode = s.mode;
    distribution = s.distribution;
    return;
  }
  for (const Plain& p : kPlain) {
    if (name != p.name && name != p.class_name) continue;
    kind = p.kind;
    a = p.a;
    b = p.b;
    return;
  }
  for (const Matrix& m : kMatrices) {
    if (name != m.name && name != m.class_name) continue;
    kind = Kind::variance_scaling;
    distribution = m.name;
    return;
  }
  if (name == "VarianceScaling" || name == "variance_scaling") {
    kind = Kind::variance_scaling;
    return;
  }
  std::string known;
  for (const Scaling& s : kScalings) known += std::string(s.name) + ", ";
  for (const Plain& p : kPlain) known += std::string(p.name) + ", ";
  fail("[initializer] '{}' is not known; there are {}orthogonal, identity, variance_scaling", name,
       known);
}

Tensor Initializer::operator()(const Sizes& sizes, DType dtype) const {
  if (distribution == "identity") return identity(sizes, scale).cast(dtype);
  Kind draw = kind;
  double low = a, high = b;
  if (kind == Kind::zeros || kind == Kind::ones || kind == Kind::constant)
    return Tensor::full(dtype, sizes, a);
  if (!is_floating(dtype))
    fail("[initializer] random values need a floating dtype; got {}", name_of(dtype));
  if (kind == Kind::variance_scaling) {
    const auto [in, out] = fans(sizes);
    const double fan = mode == Mode::fan_in ? in : mode == Mode::fan_out ? out : (in + out) / 2.0;
    const double variance = scale / std::max(1.0, fan);
    if (distribution == "uniform") {
      draw = Kind::uniform;
      high = std::sqrt(3.0 * variance);
      low = -high;
    } else {
      const bool cut = distribution == "truncated_normal";
      draw = cut ? Kind::truncated_normal : Kind::normal;
      low = 0.0;
      // The deviation of a standard normal cut at two deviations.
      high = std::sqrt(variance) / (cut ? 0.87962566103423978 : 1.0);
    }
  }
  const Philox philox{mix_key(static_cast<uint64_t>(seed ? *seed : next_seed()), 0)};
  if (distribution == "orthogonal") return orthogonal(sizes, scale, philox).cast(dtype);
  Tensor t(dtype, sizes);
  const int64_t n = t.count();
  visit_dtype(dtype, [&]<class T>() {
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double> ||
                  std::is_same_v<T, bfloat16>) {
      T* dst = t.data<T>();
      if (n < 1 << 18) {
        fill(dst, 0, n, philox, draw, low, high);
        return;
      }
      exec::Lane& lane = exec::Lane::main();
      lane.run([&] {
#pragma omp parallel for num_threads(lane.threads())
        for (int64_t part = 0; part < 64; ++part) {
          const exec::Range r = exec::part_of(n, part, 64, 4);
          fill(dst, r.begin, r.end, philox, draw, low, high);
        }
      });
    }
  });
  return t;
}

nlohmann::json Initializer::config() const {
  nlohmann::json config = nlohmann::json::object();
  auto described = [&](const char* class_name) {
    return nlohmann::json{{"class_name", class_name}, {"config", config}};
  };
  if (kind == Kind::constant) config["value"] = a;
  if (kind <= Kind::constant)
    return described(kind == Kind::zeros ? "Zeros" : kind == Kind::ones ? "Ones" : "Constant");
  if (distribution == "identity") {
    config["gain"] = scale;
    return described("Identity");
  }
  config["seed"] = seed ? nlohmann::json(*seed) : nlohmann::json();
  if (distribution == "orthogonal") {
    config["gain"] = scale;
    return described("Orthogonal");
  }
  if (kind == Kind::uniform) {
    config["minval"] = a;
    config["maxval"] = b;
    return described("RandomUniform");
  }
  if (kind == Kind::normal || kind == Kind::truncated_normal) {
    config["mean"] = a;
    config["stddev"] = b;
    return described(kind == Kind::normal ? "RandomNormal" : "TruncatedNormal");
  }
  for (const Scaling& s : kScalings)
    if (scale == s.scale && mode == s.mode && distribution == s.distribution)
      return described(s.class_name);
  config["scale"] = scale;
  config["mode"] = kModes[static_cast<size_t>(mode)];
  config["distribution"] = distribution;
  return described("VarianceScaling");
}

Initializer Initializer::from_config(const nlohmann::json& description) {
  if (description.is_string()) return Initializer(description.get<std::string>());
  Initializer out(description.at("class_name").get<std::string>());
  const nlohmann::json config = description.value("config", nlohmann::json::object());
  auto number = [&](const char* key, double& field) { field = config.value(key, field); };
  number("value", out.a);
  number(out.kind == Kind::uniform ? "minval" : "mean", out.a);
  number(out.kind == Kind::uniform ? "maxval" : "stddev", out.b);
  number("scale", out.scale);
  number("gain", out.scale);
  out.distribution = config.value("distribution", out.distribution);
  if (config.contains("mode")) {
    const std::string mode = config.at("mode");
    const auto* found = std::find(std::begin(kModes), std::end(kModes), mode);
    if (found == std::end(kModes)) fail("[initializer] mode '{}' is not known", mode);
    out.mode = static_cast<Mode>(found - std::begin(kModes));
  }
  if (config.contains("seed") && !config.at("seed").is_null())
    out.seed = config.at("seed").get<int64_t>();
  return out;
}

Initializer Zeros() { return of_kind(Kind::zeros, 0.0, 0.0, {}); }
Initializer Ones() { return of_kind(Kind::ones, 1.0, 0.0, {}); }
Initializer Constant(double value) { return of_kind(Kind::constant, value, 0.0, {}); }
Initializer RandomUniform(double minval, double maxval, std::optional<int64_t> seed) {
  return of_kind(Kind::uniform, minval, maxval, seed);
}
Initializer RandomNormal(double mean, double stddev, std::optional<int64_t> seed) {
  return of_kind(Kind::normal, mean, stddev, seed);
}
Initializer TruncatedNormal(double mean, double stddev, std::optional<int64_t> seed) {
  return of_kind(Kind::truncated_normal, mean, stddev, seed);
}
Initializer VarianceScaling(double scale, Mode mode, std::string distribution,
                            std::optional<int64_t> seed) {
  if (!(scale > 0.0)) fail("[VarianceScaling] scale must be positive; got {}", scale);
  if (distribution != "uniform" && distribution != "truncated_normal" &&
      distribution != "untruncated_normal")
    fail(
        "[VarianceScaling] distribution '{}' is not known; there are uniform, truncated_normal, "
        "untruncated_normal",
        distribution);
  Initializer out = of_kind(Kind::variance_scaling, 0.0, 0.0, seed);
  out.scale = scale;
  out.mode = mode;
  out.distribution = std::move(distribution);
  return out;
}

namespace {
Initializer preset(const char* name, std::optional<int64_t> seed) {
  Initializer out(name);
  out.seed = seed;
  return out;
}
}  // namespace

Initializer Orthogonal(double gain, std::optional<int64_t> seed) {
  Initializer out = preset("orthogonal", seed);
  out.scale = gain;
  return out;
}
Initializer IdentityMatrix(double gain) {
  Initializer out("identity");
  out.scale = gain;
  return out;
}
Initializer GlorotUniform(std::optional<int64_t> seed) { return preset("glorot_uniform", seed); }
Initializer GlorotNormal(std::optional<int64_t> seed) { return preset("glorot_normal", seed); }
Initializer HeUniform(std::optional<int64_t> seed) { return preset("he_uniform", seed); }
Initializer HeNormal(std::optional<int64_t> seed) { return preset("he_normal", seed); }
Initializer LecunUniform(std::optional<int64_t> seed) { return preset("lecun_uniform", seed); }
Initializer LecunNormal(std::optional<int64_t> seed) { return preset("lecun_normal", seed); }

}  // namespace andiron::nn
