#pragma once

#include "andiron/base/isa.hpp"

namespace andiron::exec {

using andiron::current_isa;
using andiron::has_isa;
using andiron::Isa;

}  // namespace andiron::exec
