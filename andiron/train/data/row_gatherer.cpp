#include <cmath>
#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/train/data/table_block.hpp"

namespace andiron::train {

namespace {

// Whether D can hold the number; floats round. Cheap: one comparison, no branch.
template <class D, class S>
bool holds(S value, D converted) {
  if constexpr (std::is_same_v<D, S> || !std::is_integral_v<D> || std::is_same_v<D, bool>) {
    return true;
  } else if constexpr (std::is_integral_v<S>) {
    return static_cast<S>(converted) == value && (converted < D{}) == (value < S{});
  } else {
    const double v = static_cast<double>(value);
    return v > static_cast<double>(std::numeric_limits<D>::min()) - 1.0 &&
           v < std::ldexp(1.0, std::numeric_limits<D>::digits);
  }
}

template <class D, class S>
D to(S value) {
  if constexpr (std::is_integral_v<D> && !std::is_same_v<D, bool> && !std::is_integral_v<S>) {
    // What does not fit is found by `holds`; the cast itself must stay defined.
    return holds<D>(value, D{}) ? static_cast<D>(value) : D{};
  } else {
    return static_cast<D>(value);
  }
}

// `width` numbers of each row to dst + i * stride. Returns whether all fitted.
template <class D, class S>
bool copy(std::span<const RowPlace> rows, const std::byte* const* bases, int64_t width, D* dst,
          int64_t stride) {
  bool fits = true;
  for (const RowPlace& place : rows) {
    const S* src = reinterpret_cast<const S*>(bases[place.block]) + place.row * width;
    if constexpr (std::is_same_v<D, S>) {
      if (width == 1)
        *dst = *src;
      else
        std::memcpy(dst, src, static_cast<size_t>(width) * sizeof(S));
    } else {
      for (int64_t k = 0; k < width; ++k) {
        dst[k] = to<D>(src[k]);
        fits &= holds<D>(src[k], dst[k]);
      }
    }
    dst += stride;
  }
  return fits;
}

}  // namespace

RowGatherer::RowGatherer(std::vector<TableField> fields, std::vector<TableColumn> columns)
    : fields_(std::move(fields)), columns_(std::move(columns)), bases_(columns_.size()) {
  bool labels = false;
  for (size_t i = 0; i < fields_.size(); ++i) {
    const TableField& f = fields_[i];
    if (f.field.role == Field::Role::label && !std::exchange(labels, true)) label_ = i;
    int64_t width = 0;
    for (size_t c : f.columns) width += columns_[c].width();
    if (f.columns.empty() && f.field.role == Field::Role::weight) width = 1;
    if (width != count_of(f.field.row))
      fail("[data] '{}' takes {} numbers a row, and its columns have {}", f.field.name,
           count_of(f.field.row), width);
  }
  for (const TableField& f : fields_) {
    if (f.class_weight.empty()) continue;
    if (!labels) fail("[data] class_weight needs a label");
    for (const auto& [id, weight] : f.class_weight)
      if (!(weight >= 0.0) || !std::isfinite(weight))
        fail("[class_weight] the weight of class {} must be finite and not negative; got {}", id,
             weight);
  }
}

std::vector<Field> RowGatherer::fields() const {
  std::vector<Field> out;
  for (const TableField& f : fields_) out.push_back(f.field);
  return out;
}

void RowGatherer::set_blocks(const std::vector<TableBlock>& blocks) {
  for (size_t c = 0; c < columns_.size(); ++c) {
    bases_[c].clear();
    for (const TableBlock& b : blocks)
      bases_[c].push_back(static_cast<const std::byte*>(b.columns[c].raw()));
  }
}

void RowGatherer::gather(std::span<const RowPlace> rows, const std::vector<Tensor>& out,
                         int64_t at) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    const TableField& f = fields_[i];
    const int64_t stride = count_of(f.field.row);
    int64_t first = at * stride;
    for (size_t c : f.columns) {
      const TableColumn& column = columns_[c];
      const bool fits = visit_dtype(f.field.dtype, [&]<class D>() {
        return visit_dtype(column.dtype, [&]<class S>() {
          return copy<D, S>(rows, bases_[c].data(), column.width(), out[i].data<D>() + first,
                            stride);
        });
      });
      if (!fits)
        fail("[data] column '{}' has numbers that {} cannot hold, which '{}' takes", column.name,
             name_of(f.field.dtype), f.field.name);
      first += column.width();
    }
    if (f.columns.empty())
      visit_dtype(f.field.dtype, [&]<class D>() {
        std::fill_n(out[i].data<D>() + at, rows.size(), static_cast<D>(1.0F));
      });
  }
  for (size_t i = 0; i < fields_.size(); ++i)
    if (!fields_[i].class_weight.empty())
      weigh(fields_[i], static_cast<int64_t>(rows.size()), out, out[i], at);
}

void RowGatherer::weigh(const TableField& field, int64_t n, const std::vector<Tensor>& out,
                        const Tensor& dst, int64_t at) const {
  const Tensor& labels = out[label_];
  const int64_t classes = count_of(fields_[label_].field.row);
  visit_dtype(labels.dtype(), [&]<class L>() {
    visit_dtype(dst.dtype(), [&]<class D>() {
      for (int64_t i = at; i < at + n; ++i) {
        const L* row = labels.data<L>() + i * classes;
        // One number is the class; several are one-hot.
        int64_t id = 0;
        if (classes == 1) {
          id = std::llround(static_cast<double>(row[0]));
        } else {
          for (int64_t c = 1; c < classes; ++c)
            if (row[c] > row[id]) id = c;
        }
        const auto found = field.class_weight.find(id);
        if (found != field.class_weight.end())
          dst.data<D>()[i] = static_cast<D>(static_cast<float>(
              static_cast<float>(dst.data<D>()[i]) * static_cast<float>(found->second)));
      }
    });
  });
}

}  // namespace andiron::train
