#pragma once

#include <memory>

#include "andiron/tensor/tensor.hpp"

namespace andiron::exec {

/// The memory in which a plan works; it holds nothing between runs. Plans that never run at the
/// same time may share one, as large as the largest needs: a model's steps for many batch sizes
/// take no more memory than one.
class Workspace {
 public:
  struct Need {
    size_t arena = 0, buffers = 0, partials = 0;
  };
  /// REQUIRES that no plan runs in it.
  void reserve(const Need& need) {
    grow(arena_, need.arena);
    grow(buffers_, need.buffers);
    grow(partials_, need.partials);
  }
  std::byte* arena() const { return arena_->data(); }        ///< within a stage
  std::byte* buffers() const { return buffers_->data(); }    ///< between stages
  std::byte* partials() const { return partials_->data(); }  ///< the threads' partial sums
  size_t n_bytes() const {
    return arena_ == nullptr ? 0 : arena_->n_bytes() + buffers_->n_bytes() + partials_->n_bytes();
  }

 private:
  static void grow(std::shared_ptr<Buffer>& buffer, size_t n_bytes) {
    if (buffer != nullptr && buffer->n_bytes() >= n_bytes) return;
    buffer.reset();  // nothing in it is needed, and both might not find room
    buffer = Buffer::allocate(n_bytes);
  }
  std::shared_ptr<Buffer> arena_, buffers_, partials_;
};

}  // namespace andiron::exec
