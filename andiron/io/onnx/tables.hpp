#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace andiron::io::onnx {

/// Every line of the mapping tables: operator, and the opset version from which the line counts.
std::vector<std::pair<std::string, int64_t>> supported_operators();

}  // namespace andiron::io::onnx
