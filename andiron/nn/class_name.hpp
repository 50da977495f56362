#pragma once

#include <string>
#include <string_view>

namespace andiron::nn {

/// Keras's to_snake_case: "EmbeddingBag" to "embedding_bag"; the base of automatic names.
std::string snake_case(std::string_view class_name);

}  // namespace andiron::nn
