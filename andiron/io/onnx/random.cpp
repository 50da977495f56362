#include "andiron/io/onnx/call.hpp"

// Draws are Andiron's own: an ONNX seed names no generator.
namespace andiron::io::onnx {

namespace {

using Values = std::vector<Value>;

DType dtype_of(const Call& c, DType otherwise) {
  if (!c.has_attribute("dtype")) return otherwise;
  const auto wanted = static_cast<int32_t>(c.i("dtype", 1));
  const auto dtype = dtype_of_onnx(wanted);
  if (!dtype) c.refuse("Andiron has no dtype " + data_type_name(wanted));
  return *dtype;
}

int64_t seed_of(const Call& c) {
  return c.has_attribute("seed") ? static_cast<int64_t>(c.f("seed", 0)) : c.seed();
}

Values uniform(const Call& c, const Shape& shape, DType dtype) {
  return {ops::cast(ops::random_uniform(shape, c.step(), seed_of(c), c.f("low", 0), c.f("high", 1)),
                    dtype)};
}
Values normal(const Call& c, const Shape& shape, DType dtype) {
  return {ops::cast(
      ops::random_normal(shape, c.step(), seed_of(c), c.f("mean", 0), c.f("scale", 1)), dtype)};
}
Values random_uniform(const Call& c) {
  return uniform(c, Shape(c.ints("shape")), dtype_of(c, DType::f32));
}
Values random_normal(const Call& c) {
  return normal(c, Shape(c.ints("shape")), dtype_of(c, DType::f32));
}
Values random_uniform_like(const Call& c) {
  return uniform(c, c.in(0).shape(), dtype_of(c, c.in(0).dtype()));
}
Values random_normal_like(const Call& c) {
  return normal(c, c.in(0).shape(), dtype_of(c, c.in(0).dtype()));
}
Values bernoulli(const Call& c) {
  const Value& p = c.in(0);
  const Value draw = ops::random_uniform(p.shape(), c.step(), seed_of(c));
  return {ops::cast(ops::less(ops::cast(draw, p.dtype()), p), dtype_of(c, p.dtype()))};
}

// The mask says what was kept.
Values dropped(const Call& c, double rate) {
  const Value& x = c.in(0);
  const Value all = ops::broadcast_to(constant(1.0, DType::boolean), x.shape());
  if (rate <= 0) return {x, all};
  if (rate > 1) fail("[onnx] Dropout: the ratio lies in [0, 1]; got {}", rate);
  if (rate == 1) return {zeros_like(x), ops::logical_not(all)};
  const Value kept = ops::greater_equal(ops::random_uniform(x.shape(), c.step(), seed_of(c)),
                                        constant(rate, DType::f32));
  return {ops::where(kept, x / (1.0 - rate), constant(0.0, x.dtype())), kept};
}
// Until opset 12 the mode is the runtime's.
Values dropout_attribute(const Call& c) {
  return dropped(c, c.training() ? c.f("ratio", 0.5) : 0.0);
}
// From then on an operand says so; exporters leave it out or write false, and training drops all
// the same.
Values dropout(const Call& c) {
  const double ratio = c.has(1) ? c.real(1) : 0.5;
  const bool asked = c.has(2) && c.real(2) != 0;
  return dropped(c, asked || c.training() ? ratio : 0.0);
}

constexpr Mapping kMappings[] = {
    {"RandomUniform", 1, random_uniform},
    {"RandomNormal", 1, random_normal},
    {"RandomUniformLike", 1, random_uniform_like},
    {"RandomNormalLike", 1, random_normal_like},
    {"Bernoulli", 15, bernoulli},
    {"Dropout", 6, dropout_attribute},
    {"Dropout", 12, dropout},
};

}  // namespace

std::span<const Mapping> random_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
