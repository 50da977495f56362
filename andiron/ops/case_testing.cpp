#include "andiron/ops/case_testing.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "andiron/base/error.hpp"
#include "andiron/base/philox.hpp"
#include "andiron/ops/catalog.hpp"

namespace andiron::ops {

CaseInput parse_case_input(const std::string& text) {
  static const std::map<std::string, DType> dtypes = {
      {"f32", DType::f32}, {"f64", DType::f64}, {"bf16", DType::bf16}, {"i8", DType::i8},
      {"u8", DType::u8},   {"i32", DType::i32}, {"i64", DType::i64},   {"bool", DType::boolean}};
  const size_t open = text.find('['), close = text.find(']'), at = text.find('@');
  ANDIRON_ASSERT(open != std::string::npos && close != std::string::npos);
  CaseInput input;
  input.type.dtype = dtypes.at(text.substr(0, open));
  for (size_t i = open + 1; i < close;) {
    size_t used = 0;
    input.type.shape.push_back(std::stoll(text.substr(i, close - i), &used));
    i += used + 1;
  }
  input.low = is_floating(input.type.dtype) ? -2 : (input.type.dtype == DType::u8 ? 0 : -5);
  input.high = is_floating(input.type.dtype) ? 2 : 5;
  if (input.type.dtype == DType::boolean) input.low = 0, input.high = 2;
  if (at != std::string::npos) {
    const size_t colon = text.find(':', at);
    input.low = std::stod(text.substr(at + 1, colon - at - 1));
    input.high = std::stod(text.substr(colon + 1));
  }
  return input;
}

std::string CatalogCase::name() const { return fmt::format("{}_{}", op->name, index); }

std::ostream& operator<<(std::ostream& out, const CatalogCase& c) {
  out << c.op->name << "(";
  for (const std::string& input : c.data().inputs) out << input << ", ";
  for (const auto& [name, value] : c.data().attributes) out << name << "=" << str(value) << ", ";
  return out << ")";
}

std::vector<CatalogCase> all_cases() {
  std::vector<CatalogCase> cases;
  for (const Op* op : catalog())
    for (size_t i = 0; i < op->cases.size(); ++i) cases.push_back({op, i});
  return cases;
}

Tensor random_tensor(DType dtype, const Sizes& sizes, double low, double high, uint64_t seed) {
  Tensor t(dtype, sizes);
  const Philox philox{mix_key(20130611, seed)};
  for (int64_t i = 0; i < t.count(); ++i) {
    const auto words = philox(static_cast<uint64_t>(i));
    double value = low + (high - low) * uniform_double(words[0], words[1]);
    value = is_floating(dtype) ? static_cast<float>(value) : std::floor(value);
    visit_dtype(dtype, [&]<class T>() { t.data<T>()[i] = static_cast<T>(value); });
  }
  return t;
}

std::vector<Tensor> case_inputs(const CatalogCase& c, DType floating) {
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < c.data().inputs.size(); ++i) {
    const CaseInput input = parse_case_input(c.data().inputs[i]);
    const DType dtype = is_floating(input.type.dtype) ? floating : input.type.dtype;
    tensors.push_back(random_tensor(dtype, input.type.shape.sizes(), input.low, input.high,
                                    std::hash<std::string>()(c.name()) + i));
  }
  return tensors;
}

bool has_floating_input(const CatalogCase& c) {
  for (const std::string& input : c.data().inputs)
    if (is_floating(parse_case_input(input).type.dtype)) return true;
  return false;
}

std::vector<Value> placeholders(const std::vector<Tensor>& tensors) {
  std::vector<Value> values;
  for (size_t i = 0; i < tensors.size(); ++i)
    values.push_back(input(fmt::format("x{}", i), tensors[i].dtype(), Shape(tensors[i].sizes())));
  return values;
}

void expect_close(const Tensor& actual, const Tensor& expected, double relative, double absolute,
                  const std::string& what) {
  ASSERT_EQ(str(actual.sizes()), str(expected.sizes())) << what;
  for (int64_t i = 0; i < actual.count(); ++i) {
    const double a = actual.item(i), e = expected.item(i);
    const bool close = a == e || (std::isnan(a) && std::isnan(e)) ||
                       std::abs(a - e) <= relative * std::abs(e) + absolute;
    ASSERT_TRUE(close) << what << ": element " << i << " of " << str(expected.sizes()) << " is "
                       << a << ", expected " << e;
  }
}

void expect_equal(const Tensor& actual, const Tensor& expected, const std::string& what) {
  expect_close(actual, expected, 0, 0, what);
}

}  // namespace andiron::ops
