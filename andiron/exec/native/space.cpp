#include "andiron/exec/native/space.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"

namespace andiron::exec {

namespace {

// Joins neighbouring axes that one stride walks through; drops axes of size 1.
std::vector<Access::Axis> merged(std::span<const Access::Axis> axes) {
  std::vector<Access::Axis> out;
  for (const Access::Axis& axis : axes) {
    if (!out.empty() && out.back().stride == axis.size * axis.stride) {
      out.back() = {out.back().size * axis.size, axis.stride};
    } else {
      out.push_back(axis);
    }
  }
  return out;
}

}  // namespace

Space::Space(const Sizes& full) : full_(full) {
  for (size_t i = 0; i < full.size(); ++i) {
    if (full[i] == 1) continue;
    kept_.push_back(i);
    sizes_.push_back(full[i]);
  }
  split_at(0);
}

void Space::split_at(size_t n_row_axes) {
  split_ = n_row_axes;
  rows_ = cols_ = 1;
  for (size_t i = 0; i < sizes_.size(); ++i) (i < split_ ? rows_ : cols_) *= sizes_[i];
}

Space::Reduction Space::reduction(const std::vector<int64_t>& axes) const {
  const auto reduced = normalize_axes("reduce", axes, static_cast<int64_t>(full_.size()));
  std::vector<bool> is_reduced;
  for (size_t axis : kept_)
    is_reduced.push_back(std::find(reduced.begin(), reduced.end(), static_cast<int64_t>(axis)) !=
                         reduced.end());
  const auto n = static_cast<size_t>(std::count(is_reduced.begin(), is_reduced.end(), true));
  const size_t rest = is_reduced.size() - n;
  if (n == 0) return {Reduced::nothing, 0};
  if (rest == 0) return {Reduced::all, 0};
  const auto all_of = [&](size_t begin, size_t end, bool value) {
    return std::all_of(is_reduced.begin() + static_cast<int64_t>(begin),
                       is_reduced.begin() + static_cast<int64_t>(end),
                       [=](bool r) { return r == value; });
  };
  if (all_of(0, n, true)) return {Reduced::leading, n};
  if (all_of(0, rest, false)) return {Reduced::trailing, rest};
  return {Reduced::middle, 0};
}

std::optional<std::vector<Access::Axis>> Space::axes_of(const Operand& operand) const {
  const Sizes& sizes = operand.sizes;
  if (sizes.size() > full_.size()) return std::nullopt;
  Sizes strides(sizes.size(), 1);
  for (size_t i = sizes.size(); i-- > 0;) {
    if (i + 2 == sizes.size()) strides[i] = operand.row_stride;
    if (i + 2 < sizes.size()) strides[i] = strides[i + 1] * sizes[i + 1];
  }
  const size_t lead = full_.size() - sizes.size();
  std::vector<Access::Axis> axes;
  for (size_t k = 0; k < kept_.size(); ++k) {
    const size_t axis = kept_[k];
    if (axis < lead || sizes[axis - lead] == 1) {
      axes.push_back({sizes_[k], 0});
    } else if (sizes[axis - lead] == sizes_[k]) {
      axes.push_back({sizes_[k], strides[axis - lead]});
    } else {
      return std::nullopt;
    }
  }
  return axes;
}

std::optional<Access> Space::access(const Operand& operand) const {
  const auto axes = axes_of(operand);
  if (!axes) return std::nullopt;
  const std::span<const Access::Axis> all(*axes);
  Access access;
  access.walk = merged(all.first(split_));
  if (access.walk.size() == 1 && access.walk[0].stride == 0) access.walk.clear();
  const auto cols = merged(all.subspan(split_));
  if (cols.size() > 1) return std::nullopt;
  access.wide = !cols.empty() && cols[0].stride != 0;
  if (access.wide && cols[0].stride != 1) return std::nullopt;
  if (cols.empty()) access.wide = true;  // one column: its only element
  return access;
}

}  // namespace andiron::exec
