#pragma once

#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "andiron/io/arrow/array.hpp"
#include "andiron/io/arrow/vocabulary.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::io::arrow {

enum class Unit : uint8_t { own, days, s, ms, us, ns };

/// How a column becomes numbers.
struct ColumnOptions {
  std::string name;
  /// Default: bool, int8, uint8, int32, int64, float32, float64 as they are; int16 and uint16 as
  /// int32, uint32 and uint64 as int64, half floats as float32, decimals as float64, times as
  /// int64, texts as int32, binaries as uint8.
  std::optional<DType> dtype = {};
  /// What a null becomes; without one, a null is an error. NaN makes integers float64.
  std::optional<double> fill = {};
  std::shared_ptr<const Vocabulary> vocabulary = nullptr;  ///< texts need one, or
  bool fingerprints = false;  ///< texts become their 64-bit fingerprints (base/fingerprint.hpp)
  /// Lists and vectors become rows of so many numbers: shorter lists are padded, longer ones are
  /// an error or truncated. 0: as many as the first row has, which the others must have too.
  int64_t length = 0;
  double pad = 0.0;
  /// What longer lists lose: their end or their beginning.
  enum class Truncate : uint8_t { error, end, beginning } truncate = Truncate::error;
  Unit unit = Unit::own;  ///< of times; coarser units round down
  enum class Check : uint8_t { none, finite, weight } check = Check::none;
  /// Other numbers are an error.
  struct Range {
    double least = 0.0, most = 0.0;
    std::optional<double> besides = {};  ///< a number outside that is none
    std::string rule = {}, hint = {};    ///< for the error's message
  };
  std::optional<Range> range = {};
};

/// The two least and the two greatest different numbers of a column, the outermost first, and the
/// first rows that have them; infinite where a column has fewer. Two, since the outermost may be
/// the mark of "no label".
struct Extremes {
  struct Extreme {
    double value;
    int64_t row = 0;
  };
  static constexpr double none = std::numeric_limits<double>::infinity();
  std::array<Extreme, 2> least = {{{none}, {none}}}, most = {{{-none}, {-none}}};

  void see(double v, int64_t row) {
    if (v < least[1].value) put(v, row, least, v < least[0].value);
    if (v > most[1].value) put(v, row, most, v > most[0].value);
  }

 private:
  static void put(double v, int64_t row, std::array<Extreme, 2>& side, bool outermost) {
    if (outermost)
      side = {{{v, row}, side[0]}};
    else if (v != side[0].value)
      side[1] = {v, row};
  }
};

/// Turns one column's arrays, batch by batch, into dense tensors [rows, row...] of one dtype. Where
/// the memory lies as a tensor's does, the tensor is a view of it (which keeps it alive); else it
/// is converted, column-wise.
class Converter {
 public:
  /// Throws Error naming the column when there is no way from the type to numbers.
  Converter(ColumnOptions options, const Type& type);

  const ColumnOptions& options() const { return options_; }
  DType dtype() const { return dtype_; }
  /// A row's sizes; of lists and binaries known after the first rows only.
  const std::optional<Sizes>& row() const { return row_; }
  /// Of a column that is checked, so far.
  const Extremes& extremes() const { return extremes_; }

  /// `first_row` is where the array begins in the whole column, for messages. Throws Error naming
  /// column and row.
  Tensor convert(const Array& column, int64_t first_row);

 private:
  // Which row of the column element i of a nested array belongs to.
  using RowOf = std::function<int64_t(int64_t)>;

  Tensor values(const Array& array, const RowOf& row_of);
  Tensor scalars(const Array& array, const RowOf& row_of);
  Tensor times(const Array& array, const RowOf& row_of);
  Tensor texts(const Array& array, const RowOf& row_of);
  Tensor looked_up(const Array& array, const RowOf& row_of);
  Tensor lists(const Array& array, const RowOf& row_of);
  Tensor padded(const Array& array, const Tensor& flat, int64_t width,
                const std::function<int64_t(int64_t)>& begin) const;
  Tensor fixed_lists(const Array& array, const RowOf& row_of);
  Tensor vectors(const Array& array, const RowOf& row_of);
  Tensor binaries(const Array& array, const RowOf& row_of);
  int64_t number_of_text(std::string_view text, const RowOf& row_of, int64_t i) const;
  int32_t id_of(std::string_view text, const RowOf& row_of, int64_t i) const;
  bool viewable(const Array& array) const;
  Tensor view(const Array& array) const;
  Tensor with_fill(Sizes sizes, double fill) const;
  void refuse_null(const RowOf& row_of, int64_t i) const;
  void check(const Tensor& tensor, int64_t first_row);

  ColumnOptions options_;
  DType dtype_;
  std::optional<Sizes> row_;
  Extremes extremes_;
  std::shared_ptr<void> owner_;  // of the array that is being converted
};

/// Whether the type is Spark ML's vector: a structure (type, size, indices, values).
bool is_vector(const Type& type);

}  // namespace andiron::io::arrow
