#pragma once

#include <string>

#include "andiron/tensor/shape.hpp"

namespace andiron::io {

/// The dimension that Dim::str printed: "batch", "3+2*batch*time". Throws Error when `text` is not
/// a sum of products of sizes and names.
Dim parse_dim(const std::string& text);

/// Sizes beyond this are damage, not data; keeps products of a few sizes within int64.
inline constexpr int64_t kMaxDim = int64_t{1} << 40;

}  // namespace andiron::io
