#pragma once

#include <functional>

namespace andiron::bindings {

/// Lets Ctrl-C through: throws when a signal's handler in Python does. It looks at most ten times a
/// second, since it needs the GIL. Call it without the GIL.
std::function<void()> signal_check();

}  // namespace andiron::bindings
