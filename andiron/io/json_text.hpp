#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace andiron::io {

/// Deeper JSON is refused before anything is made of it: what walks over it calls itself.
inline constexpr int kMaxJsonDepth = 256;
bool too_deep(std::string_view text);

/// Parses text that came from outside; throws Error when it is not JSON, or too deep.
nlohmann::json parse_json(std::string_view text);

}  // namespace andiron::io
