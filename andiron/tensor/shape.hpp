#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace andiron {

/// One dimension: a known size, or a symbol ("batch"), or an expression over symbols ("batch*5").
/// Immutable; two dimensions are equal when they are the same number or the same expression.
class Dim {
 public:
  Dim() = default;
  Dim(int64_t size) : size_(size) {}  // NOLINT: sizes are dimensions
  static Dim symbol(std::string name);

  bool known() const { return expr_ == nullptr; }
  /// REQUIRES known().
  int64_t size() const;
  std::string str() const;

  friend bool operator==(const Dim& a, const Dim& b);
  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  /// Exact division; throws Error when a known remainder is not zero.
  friend Dim operator/(const Dim& a, const Dim& b);

  /// The dimension with every symbol in `sizes` replaced.
  Dim bind(const std::map<std::string, int64_t>& sizes) const;
  /// Whether `symbol` occurs in it.
  bool mentions(std::string_view symbol) const;
  /// c when this is c * symbol, else 0: the number of elements per row of the batch.
  int64_t multiple_of(std::string_view symbol) const;

 private:
  struct Expr;
  int64_t size_ = 0;
  std::shared_ptr<const Expr> expr_;
};

/// Sizes that may be symbolic: the shapes of values in a graph.
class Shape : public std::vector<Dim> {
 public:
  using std::vector<Dim>::vector;
  Shape() = default;
  explicit Shape(const std::vector<int64_t>& sizes) : std::vector<Dim>(sizes.begin(), sizes.end()) {}

  int64_t rank() const { return static_cast<int64_t>(size()); }
  bool known() const;
  /// REQUIRES known().
  std::vector<int64_t> sizes() const;
  Dim count() const;
  /// "[batch,128]"
  std::string str() const;
  Shape bind(const std::map<std::string, int64_t>& sizes) const;
  bool mentions(std::string_view symbol) const;
};

/// Concrete sizes: the shapes of tensors.
using Sizes = std::vector<int64_t>;

int64_t count_of(const Sizes& sizes);
/// Row-major strides in elements.
Sizes dense_strides(const Sizes& sizes);
std::string str(const Sizes& sizes);

/// NumPy's broadcasting; `op` names the caller in the error. A symbol matches itself and 1.
Shape broadcast(std::string_view op, const Shape& a, const Shape& b);
/// The axis in [0, rank) that `axis` in [-rank, rank) means; throws Error naming `op` otherwise.
int64_t normalize_axis(std::string_view op, int64_t axis, int64_t rank);
/// Sorted, unique, in [0, rank); empty means all axes.
std::vector<int64_t> normalize_axes(std::string_view op, const std::vector<int64_t>& axes,
                                    int64_t rank);

}  // namespace andiron
