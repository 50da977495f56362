#pragma once

#include <cstdint>

namespace andiron {

/// Bytes of all buffers that `Buffer::allocate` made and that live: tensors, workspaces, batches.
int64_t allocated_bytes();

}  // namespace andiron
