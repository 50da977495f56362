#pragma once

#include <functional>
#include <string_view>

#include "bindings/convert.hpp"

namespace andiron::bindings {

/// Calls `take` with each text (UTF-8) of a NumPy array of texts, bytes or objects, C-contiguous;
/// returns its sizes. Throws TypeError naming the element that is no text.
Sizes each_text(nb::handle array, const std::function<void(std::string_view)>& take);

/// Texts as fingerprints, and counts of tokens.
void bind_texts(nb::module_& m);

}  // namespace andiron::bindings
