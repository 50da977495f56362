#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/graph/schema.hpp"

/// What the tests that walk the catalog share: the cases of the rooms as tensors and nodes.
namespace andiron::ops {

/// "f32[2,3]@0.1:2": a type, and the range of random values: [low, high), integers too.
struct CaseInput {
  TensorType type;
  double low = 0, high = 0;
};
CaseInput parse_case_input(const std::string& text);

/// One case of one op.
struct CatalogCase {
  const Op* op = nullptr;
  size_t index = 0;

  const Case& data() const { return op->cases[index]; }
  std::string name() const;  ///< "matmul_3"
};
std::ostream& operator<<(std::ostream& out, const CatalogCase& c);

/// Every case of every op.
std::vector<CatalogCase> all_cases();

/// Random tensors for a case, always the same. Floating point inputs have the dtype `floating`, and
/// float32 values whatever it is, unless it is bfloat16.
std::vector<Tensor> case_inputs(const CatalogCase& c, DType floating = DType::f32);
bool has_floating_input(const CatalogCase& c);

/// Placeholders of the tensors' types.
std::vector<Value> placeholders(const std::vector<Tensor>& tensors);

/// Uniform in [low, high), rounded to float32; integers and bools too.
Tensor random_tensor(DType dtype, const Sizes& sizes, double low, double high, uint64_t seed);

/// |actual - expected| <= relative |expected| + absolute, elementwise; NaN equals NaN. A failure
/// says where.
void expect_close(const Tensor& actual, const Tensor& expected, double relative, double absolute,
                  const std::string& what);
/// Both as double, so dtypes may differ.
void expect_equal(const Tensor& actual, const Tensor& expected, const std::string& what);

}  // namespace andiron::ops
