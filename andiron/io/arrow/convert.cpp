#include "andiron/io/arrow/convert.hpp"

#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/base/fingerprint.hpp"
#include "andiron/io/arrow/convert_number.hpp"

namespace andiron::io::arrow {

namespace {

// The type that carries the numbers: behind lists and dictionaries.
const Type& innermost(const Type& type) {
  if (!type.dictionary.empty()) return innermost(type.dictionary[0]);
  if (type.kind == Kind::list || type.kind == Kind::fixed_list) return innermost(type.children[0]);
  return type;
}

bool nested(Kind kind) {
  return kind == Kind::list || kind == Kind::fixed_list || kind == Kind::structure ||
         kind == Kind::binary || kind == Kind::fixed_binary;
}

DType nearest(const Type& type) {
  if (type.is_time()) return DType::i64;
  switch (type.kind) {
    case Kind::boolean:
      return DType::boolean;
    case Kind::i8:
      return DType::i8;
    case Kind::u8:
    case Kind::binary:
    case Kind::fixed_binary:
      return DType::u8;
    case Kind::i16:
    case Kind::u16:
    case Kind::i32:
      return DType::i32;
    case Kind::u32:
    case Kind::i64:
    case Kind::u64:
      return DType::i64;
    case Kind::f64:
    case Kind::decimal:
      return DType::f64;
    case Kind::text:
      return DType::i32;
    case Kind::structure:
      return DType::f64;
    default:
      return DType::f32;  // float32, half floats, columns of nothing but nulls
  }
}

// The dtype whose memory is the same.
std::optional<DType> dtype_of_kind(Kind kind) {
  switch (kind) {
    case Kind::i8:
      return DType::i8;
    case Kind::u8:
      return DType::u8;
    case Kind::i32:
      return DType::i32;
    case Kind::i64:
      return DType::i64;
    case Kind::f32:
      return DType::f32;
    case Kind::f64:
      return DType::f64;
    default:
      return std::nullopt;
  }
}

// Rules that depend on the type only.
void check_type(const ColumnOptions& o, const Type& column) {
  const Type& type = innermost(column);
  const bool vector = type.kind == Kind::structure && is_vector(type);
  if (type.kind == Kind::other || (type.kind == Kind::structure && !vector) ||
      (vector && column.kind != Kind::structure))
    fail("[arrow] column '{}' is {}, which Andiron cannot read as numbers", o.name, column.str());
  for (const Type* t = &column; t != &type; t = t->dictionary.empty() ? &t->children[0] : &type)
    if (!t->dictionary.empty() &&
        (nested(t->dictionary[0].kind) || !t->dictionary[0].dictionary.empty()))
      fail("[arrow] column '{}' is {}: a dictionary's values must be numbers or texts", o.name,
           column.str());
  if (o.fingerprints) {
    if (type.kind != Kind::text)
      fail("[arrow] column '{}' is {}: texts are needed", o.name, column.str());
    if (o.fill || o.length > 0 || o.vocabulary != nullptr)
      fail("[arrow] column '{}': texts that layers look up take no fill, length or vocabulary",
           o.name);
    return;
  }
  if (type.kind == Kind::text && o.vocabulary == nullptr)
    fail("[arrow] column '{}' is {}: texts need a vocabulary", o.name, column.str());
  if (type.kind != Kind::text && type.kind != Kind::null && o.vocabulary != nullptr)
    fail("[arrow] column '{}' is {}: a vocabulary is for texts", o.name, column.str());
  if (o.unit != Unit::own && !type.is_time())
    fail("[arrow] column '{}' is {}: a unit is for times", o.name, column.str());
  if (o.length < 0) fail("[arrow] column '{}': length must not be negative", o.name);
  if (o.length > 0 && !nested(column.kind))
    fail("[arrow] column '{}' is {}: a length is for lists, vectors and binaries", o.name,
         column.str());
}

}  // namespace

Converter::Converter(ColumnOptions options, const Type& type) : options_(std::move(options)) {
  check_type(options_, type);
  const bool nan = options_.fill && std::isnan(*options_.fill);
  dtype_ = options_.dtype ? *options_.dtype : nearest(innermost(type));
  if (options_.fingerprints) dtype_ = DType::i64;
  if (nan && !is_floating(dtype_)) {
    if (options_.dtype)
      fail("[arrow] column '{}': nulls as NaN need a floating dtype; got {}", options_.name,
           name_of(dtype_));
    dtype_ = DType::f64;
  }
  if (!type.dictionary.empty() || !nested(type.kind)) row_ = Sizes{};
}

Tensor Converter::convert(const Array& column, int64_t first_row) {
  owner_ = column.owner;
  Tensor out = values(column, [first_row](int64_t i) { return first_row + i; });
  owner_.reset();
  if (out.size(0) > 0) {
    const Sizes row(out.sizes().begin() + 1, out.sizes().end());
    if (row_ && row != *row_)
      fail("[arrow] column '{}': rows have shape {} from row {} on; they had {}", options_.name,
           str(row), first_row, str(*row_));
    row_ = row;
  }
  check(out, first_row);
  return out;
}

Tensor Converter::values(const Array& array, const RowOf& row_of) {
  if (!array.type->dictionary.empty()) return looked_up(array, row_of);
  switch (array.type->kind) {
    case Kind::text:
      return texts(array, row_of);
    case Kind::binary:
    case Kind::fixed_binary:
      return binaries(array, row_of);
    case Kind::list:
      return lists(array, row_of);
    case Kind::fixed_list:
      return fixed_lists(array, row_of);
    case Kind::structure:
      return vectors(array, row_of);
    default:
      return scalars(array, row_of);
  }
}

bool Converter::viewable(const Array& array) const {
  const std::optional<DType> same = dtype_of_kind(array.type->kind);
  const auto address = reinterpret_cast<uintptr_t>(array.values);
  return same == dtype_ && address % size_of(dtype_) == 0 && array.count_nulls() == 0;
}

Tensor Converter::view(const Array& array) const {
  const auto width = static_cast<int64_t>(size_of(dtype_));
  // The memory is the producer's: it is never written.
  auto buffer = Buffer::wrap(
      const_cast<std::byte*>(array.values) + array.offset * width,
      static_cast<size_t>(array.length * width), [owner = owner_] {}, /*writable=*/false);
  return Tensor(std::move(buffer), dtype_, {array.length}, {1}, 0);
}

Tensor Converter::scalars(const Array& array, const RowOf& row_of) {
  if (array.length == 0) return Tensor(dtype_, {0});
  if (array.type->is_time() && options_.unit != Unit::own) return times(array, row_of);
  if (viewable(array)) return view(array);
  Tensor out(dtype_, {array.length});
  const Kind kind = array.type->kind;
  if (kind == Kind::null) {
    put(array, options_, out, row_of, [](int64_t) { return 0.0; });
  } else if (kind == Kind::boolean) {
    put(array, options_, out, row_of,
        [&](int64_t i) { return Array::bit(array.values, array.offset + i); });
  } else if (kind == Kind::f16) {
    put(array, options_, out, row_of,
        [&](int64_t i) { return half_to_float(array.number<uint16_t>(i)); });
  } else if (kind == Kind::decimal) {
    const double unit = std::pow(10.0, -array.type->scale);
    put(array, options_, out, row_of,
        [&](int64_t i) { return static_cast<double>(array.number<__int128>(i)) * unit; });
  } else {
    visit_plain(kind, [&]<class S>() {
      put(array, options_, out, row_of, [&](int64_t i) { return array.number<S>(i); });
    });
  }
  return out;
}

Tensor Converter::times(const Array& array, const RowOf& row_of) {
  constexpr int64_t kSeconds = 86400;
  constexpr int64_t kTicks[] = {0,
                                1,
                                kSeconds,
                                kSeconds * 1000,
                                kSeconds * 1000000,
                                kSeconds * 1000000000};  // a day, by Unit
  const int64_t own = array.type->days ? 1 : kSeconds * array.type->ticks_per_second;
  const int64_t wanted = kTicks[static_cast<size_t>(options_.unit)];
  Tensor out(dtype_, {array.length});
  const auto ticks = [&](int64_t i) -> int64_t {
    return array.type->kind == Kind::i32 ? array.number<int32_t>(i) : array.number<int64_t>(i);
  };
  if (is_floating(dtype_)) {
    const double factor = static_cast<double>(wanted) / static_cast<double>(own);
    put(array, options_, out, row_of,
        [&](int64_t i) { return static_cast<double>(ticks(i)) * factor; });
  } else {
    put(array, options_, out, row_of, [&](int64_t i) {
      const int64_t t = ticks(i);
      if (wanted < own) {  // rounds down, also before 1970
        const int64_t n = own / wanted;
        return t / n - (t % n < 0 ? 1 : 0);
      }
      int64_t product = 0;
      if (__builtin_mul_overflow(t, wanted / own, &product))
        fail("[arrow] column '{}': row {} is a time that int64 cannot hold in this unit",
             options_.name, row_of(i));
      return product;
    });
  }
  return out;
}

Tensor Converter::looked_up(const Array& array, const RowOf& row_of) {
  const Array& entries = array.dictionary[0];
  // Entries that no row uses may be anything: nulls and unknown texts are errors of the rows.
  ColumnOptions lenient = options_;
  lenient.fill = options_.fill.value_or(0.0);
  Tensor table(dtype_, {entries.length});
  std::vector<bool> unknown(static_cast<size_t>(entries.length));
  if (entries.type->kind == Kind::text) {
    put(entries, lenient, table, row_of, [&](int64_t i) -> int64_t {
      if (options_.fingerprints) return number_of_text(entries.bytes(i), row_of, i);
      const int32_t id = options_.vocabulary->id(entries.bytes(i));
      unknown[static_cast<size_t>(i)] = id == Vocabulary::kNone;
      return id == Vocabulary::kNone ? 0 : id;
    });
  } else {
    Converter numbers(*this);
    numbers.options_ = lenient;
    table = numbers.scalars(entries, row_of);
  }
  Tensor out(dtype_, {array.length});
  visit_dtype(dtype_, [&]<class D>() {
    const D* from = table.data<D>();
    D* to = out.data<D>();
    D fill{};
    if (options_.fill) convert_number(*options_.fill, fill);
    for (int64_t i = 0; i < array.length; ++i) {
      const int64_t entry = array.is_null(i) ? -1 : array.index(i);
      if (entry < 0 || entries.is_null(entry)) {
        refuse_null(row_of, i);
        to[i] = fill;
      } else {
        if (unknown[static_cast<size_t>(entry)]) id_of(entries.bytes(entry), row_of, i);
        to[i] = from[entry];
      }
    }
  });
  return out;
}

int64_t Converter::number_of_text(std::string_view text, const RowOf& row_of, int64_t i) const {
  if (options_.fingerprints) return static_cast<int64_t>(fingerprint64(text));
  return id_of(text, row_of, i);
}

int32_t Converter::id_of(std::string_view text, const RowOf& row_of, int64_t i) const {
  const int32_t id = options_.vocabulary->id(text);
  if (id == Vocabulary::kNone)
    fail("[arrow] column '{}': row {} is '{}', which the vocabulary does not have", options_.name,
         row_of(i), text.substr(0, 100));
  return id;
}

Tensor Converter::texts(const Array& array, const RowOf& row_of) {
  Tensor out(dtype_, {array.length});
  put(array, options_, out, row_of,
      [&](int64_t i) { return number_of_text(array.bytes(i), row_of, i); });
  return out;
}

void Converter::refuse_null(const RowOf& row_of, int64_t i) const {
  if (!options_.fill)
    fail("[arrow] column '{}': row {} is null; say what nulls become", options_.name, row_of(i));
}

void Converter::check(const Tensor& tensor, int64_t first_row) {
  if (options_.check == ColumnOptions::Check::none || tensor.count() == 0) return;
  const bool weight = options_.check == ColumnOptions::Check::weight;
  const int64_t per_row = tensor.count() / tensor.size(0);
  visit_dtype(tensor.dtype(), [&]<class T>() {
    const T* values = tensor.data<T>();
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const auto v = static_cast<double>(values[i]);
      if (!std::isfinite(v) || (weight && v < 0.0))
        fail("[arrow] column '{}' must be finite{}; row {} is {}", options_.name,
             weight ? " and not negative" : "", first_row + i / per_row, v);
      const auto& range = options_.range;
      if (range && (v < range->least || v > range->most) && v != range->besides)
        fail("[data] column '{}': {}; row {} is {:g}. {}", options_.name, range->rule,
             first_row + i / per_row, v, range->hint);
      extremes_.see(v, first_row + i / per_row);
    }
  });
}

}  // namespace andiron::io::arrow
