#include <algorithm>
#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/io/arrow/convert_number.hpp"

// Lists, vectors and binaries: several numbers a row.
namespace andiron::io::arrow {

namespace {

Sizes rows_of(int64_t n, const Tensor& elements, int64_t width) {
  Sizes sizes = {n, width};
  sizes.insert(sizes.end(), elements.sizes().begin() + 1, elements.sizes().end());
  return sizes;
}

int64_t size_of_list(const Array& array, int64_t i) {
  return array.begin_of(i + 1) - array.begin_of(i);
}

// Elements [begin, begin + length) of an array of numbers or of lists.
Array part_of(const Array& array, int64_t begin, int64_t length) {
  Array part = array;
  slice(part, begin, length);
  return part;
}

}  // namespace

bool is_vector(const Type& type) {
  const auto child = [&](size_t i, const char* name, Kind kind) {
    return type.children[i].name == name && type.children[i].kind == kind;
  };
  const auto list_of = [&](size_t i, const char* name, Kind kind) {
    return child(i, name, Kind::list) && type.children[i].children[0].kind == kind;
  };
  return type.kind == Kind::structure && type.children.size() == 4 && child(0, "type", Kind::i8) &&
         child(1, "size", Kind::i32) && list_of(2, "indices", Kind::i32) &&
         list_of(3, "values", Kind::f64);
}

Tensor Converter::with_fill(Sizes sizes, double fill) const {
  Tensor out(dtype_, std::move(sizes));
  visit_dtype(dtype_, [&]<class D>() {
    D value{};
    if (!convert_number(fill, value))
      fail("[arrow] column '{}': {} cannot hold the padding {}", options_.name, name_of(dtype_),
           fill);
    std::fill_n(out.data<D>(), out.count(), value);
  });
  return out;
}

Tensor Converter::fixed_lists(const Array& array, const RowOf& row_of) {
  const int64_t width = array.type->width;
  const int64_t wanted = options_.length > 0 ? options_.length : width;
  if (wanted < width && options_.truncate == ColumnOptions::Truncate::error)
    fail("[arrow] column '{}': lists have {} values; length is {}", options_.name, width, wanted);
  bool even = wanted == width;
  for (int64_t i = 0; i < array.length && array.validity != nullptr; ++i) {
    if (!array.is_null(i)) continue;
    refuse_null(row_of, i);
    even = false;
  }
  const Tensor flat =
      values(array.children[0], [&](int64_t i) { return row_of(width > 0 ? i / width : 0); });
  if (even) return flat.reshape(rows_of(array.length, flat, width));
  return padded(array, flat, wanted, [&](int64_t i) { return i * width; });
}

Tensor Converter::lists(const Array& array, const RowOf& row_of) {
  const int64_t n = array.length;
  int64_t width = options_.length;
  if (width == 0 && row_) width = (*row_)[0];
  bool known = options_.length > 0 || row_, even = true;
  for (int64_t i = 0; i < n; ++i) {
    const bool null = array.is_null(i);
    if (null) refuse_null(row_of, i);
    const int64_t size = null ? -1 : size_of_list(array, i);
    if (!null && !std::exchange(known, true)) width = size;
    even = even && size == width;
    const bool long_is_wrong =
        options_.length == 0 || options_.truncate == ColumnOptions::Truncate::error;
    if (!null && ((size > width && long_is_wrong) || (size < width && options_.length == 0)))
      fail("[arrow] column '{}': row {} is a list of {}; {} {}", options_.name, row_of(i), size,
           options_.length > 0 ? "length is" : "the rows before it have", width);
  }
  if (n == 0) return Tensor(dtype_, {0, width});
  const int64_t begin = array.begin_of(0);
  const Array elements = part_of(array.children[0], begin, array.begin_of(n) - begin);
  int64_t row = 0;
  const Tensor flat = values(elements, [&](int64_t i) {
    while (array.begin_of(row + 1) - begin <= i) ++row;
    return row_of(row);
  });
  if (even) return flat.reshape(rows_of(n, flat, width));
  return padded(array, flat, width, [&](int64_t i) { return array.begin_of(i) - begin; });
}

// Ragged rows, and rows that are null: those get the nulls' value. List i is elements
// [begin(i), begin(i + 1)) of `flat`.
Tensor Converter::padded(const Array& array, const Tensor& flat, int64_t width,
                         const std::function<int64_t(int64_t)>& begin) const {
  if (flat.rank() != 1)
    fail("[arrow] column '{}': ragged lists and null ones hold numbers, not lists", options_.name);
  Tensor out = with_fill({array.length, width}, options_.pad);
  const Tensor null_row = with_fill({width}, options_.fill.value_or(0.0));
  const auto bytes = static_cast<int64_t>(size_of(dtype_));
  for (int64_t i = 0; i < array.length; ++i) {
    const bool null = array.is_null(i);
    const int64_t size = null ? width : begin(i + 1) - begin(i), n = std::min(size, width);
    const bool last = options_.truncate == ColumnOptions::Truncate::beginning;
    const int64_t first = null ? 0 : begin(i) + (last ? size - n : 0);
    const void* src =
        null ? null_row.raw() : static_cast<const std::byte*>(flat.raw()) + first * bytes;
    if (n > 0)
      std::memcpy(static_cast<std::byte*>(out.raw()) + i * width * bytes, src,
                  static_cast<size_t>(n * bytes));
  }
  return out;
}

// Spark ML: type 1 is dense (values), type 0 sparse (size, indices, values).
Tensor Converter::vectors(const Array& array, const RowOf& row_of) {
  const Array &kind = array.children[0], &size = array.children[1], &indices = array.children[2],
              &numbers = array.children[3];
  const auto wrong = [&](int64_t i, const char* what) {
    fail("[arrow] column '{}': row {} is no vector: {}", options_.name, row_of(i), what);
  };
  int64_t width = options_.length;
  if (width == 0 && row_) width = (*row_)[0];
  const auto size_at = [&](int64_t i) -> int64_t {
    if (kind.is_null(i) || numbers.is_null(i)) wrong(i, "it has no type or no values");
    if (kind.number<int8_t>(i) == 1) return size_of_list(numbers, i);
    if (kind.number<int8_t>(i) != 0) wrong(i, "its type is neither 0 nor 1");
    if (size.is_null(i) || indices.is_null(i)) wrong(i, "it is sparse without size or indices");
    if (size_of_list(indices, i) != size_of_list(numbers, i))
      wrong(i, "it has as many indices as values");
    return size.number<int32_t>(i);
  };
  for (int64_t i = 0; i < array.length && width == 0; ++i)
    if (!array.is_null(i)) width = size_at(i);
  Tensor out = with_fill({array.length, width}, 0.0);
  visit_dtype(dtype_, [&]<class D>() {
    const auto take = [&](int64_t i, int64_t at, D& to) {
      const Array& values = numbers.children[0];
      if (values.is_null(at) || !convert_number(values.number<double>(at), to))
        wrong(i, "a value is null or does not fit the dtype");
    };
    for (int64_t i = 0; i < array.length; ++i) {
      D* row = out.data<D>() + i * width;
      if (array.is_null(i)) {
        refuse_null(row_of, i);
        D fill{};
        convert_number(*options_.fill, fill);
        std::fill_n(row, width, fill);
        continue;
      }
      if (const int64_t n = size_at(i); n != width)
        fail("[arrow] column '{}': row {} is a vector of {}; the others have {}", options_.name,
             row_of(i), n, width);
      const int64_t n = size_of_list(numbers, i), first = numbers.begin_of(i);
      const bool dense = kind.number<int8_t>(i) == 1;
      for (int64_t k = 0; k < n; ++k) {
        const int64_t at = dense ? k : indices.children[0].number<int32_t>(indices.begin_of(i) + k);
        if (at < 0 || at >= width) wrong(i, "an index is beyond its size");
        take(i, first + k, row[at]);
      }
    }
  });
  return out;
}

Tensor Converter::binaries(const Array& array, const RowOf& row_of) {
  int64_t width = options_.length;
  if (width == 0 && row_) width = (*row_)[0];
  if (array.type->kind == Kind::fixed_binary && width == 0) width = array.type->width;
  for (int64_t i = 0; i < array.length && width == 0; ++i)
    if (!array.is_null(i)) width = static_cast<int64_t>(array.bytes(i).size());
  for (int64_t i = 0; i < array.length; ++i) {
    if (array.is_null(i)) refuse_null(row_of, i);
    const auto n = array.is_null(i) ? width : static_cast<int64_t>(array.bytes(i).size());
    if (n > width || (n < width && options_.length == 0))
      fail("[arrow] column '{}': row {} has {} bytes; {} are needed", options_.name, row_of(i), n,
           width);
  }
  Tensor bytes = with_fill({array.length, width}, options_.pad);
  visit_dtype(dtype_, [&]<class D>() {
    D fill{};
    if (options_.fill) convert_number(*options_.fill, fill);
    for (int64_t i = 0; i < array.length; ++i) {
      D* row = bytes.data<D>() + i * width;
      if (array.is_null(i)) {
        std::fill_n(row, width, fill);
        continue;
      }
      const std::string_view text = array.bytes(i);
      if (text.empty()) continue;
      if constexpr (sizeof(D) == 1 && !std::is_same_v<D, bool>) {
        std::memcpy(row, text.data(), text.size());
      } else {
        for (size_t k = 0; k < text.size(); ++k)
          row[k] = static_cast<D>(static_cast<float>(static_cast<unsigned char>(text[k])));
      }
    }
  });
  return bytes;
}

}  // namespace andiron::io::arrow
