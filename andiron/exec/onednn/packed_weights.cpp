#include "andiron/exec/onednn/packed_weights.hpp"

#include "andiron/exec/onednn/chain.hpp"
#include "andiron/exec/shared_copies.hpp"

namespace andiron::exec {

std::shared_ptr<Buffer> packed_weights(const Tensor& weights, const dnnl::memory::desc& plain,
                                       const dnnl::memory::desc& packed) {
  static SharedCopies<dnnl::memory::desc, Buffer> copies;
  return copies.get(weights, packed, [&] {
    const std::shared_ptr<Buffer> memory = Buffer::allocate(packed.get_size());
    const ThreadLimit limit(1);  // a caller's thread shall not get a team of its own
    dnnl::memory from(plain, onednn_engine(), weights.raw());
    dnnl::memory to(packed, onednn_engine(), memory->data());
    dnnl::reorder(from, to).execute(onednn_stream(), from, to);
    onednn_stream().wait();
    return memory;
  });
}

}  // namespace andiron::exec
