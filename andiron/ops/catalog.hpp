#pragma once

#include <span>
#include <string_view>

#include "andiron/graph/schema.hpp"

namespace andiron::ops {

/// Every op that there is, in the order of ops/catalog.cpp.
std::span<const Op* const> catalog();
/// Throws Error naming close matches when there is no such op.
const Op& find(std::string_view name);

}  // namespace andiron::ops
