#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "andiron/io/safetensors.hpp"

namespace andiron::io {

inline constexpr const char* kMetadataName = "__metadata__";
/// What stands in the place of the checksum while it is computed.
inline constexpr std::string_view kNoChecksum = "00000000";

/// "F32" ...
std::string_view format_name(DType dtype);
std::optional<DType> dtype_of_format(std::string_view name);
/// Where the 8 hexadecimal digits of the checksum stand in the header's text; npos when absent.
size_t find_checksum(std::string_view header);

}  // namespace andiron::io
