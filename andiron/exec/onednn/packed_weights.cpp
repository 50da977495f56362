#include "andiron/exec/onednn/packed_weights.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

#include "andiron/exec/onednn/chain.hpp"

namespace andiron::exec {

namespace {

// The packed copy keeps the weights that it was made of, so that no others can take their address.
struct Entry {
  const void* address;
  dnnl::memory::desc packed;
  std::weak_ptr<Buffer> buffer;
};

std::mutex mutex;
std::vector<Entry>& entries() {
  static std::vector<Entry> list;
  return list;
}

}  // namespace

std::shared_ptr<Buffer> packed_weights(const Tensor& weights, const dnnl::memory::desc& plain,
                                       const dnnl::memory::desc& packed) {
  const std::lock_guard lock(mutex);
  std::vector<Entry>& list = entries();
  std::erase_if(list, [](const Entry& e) { return e.buffer.expired(); });
  for (const Entry& e : list)
    if (e.address == weights.raw() && e.packed == packed)
      if (std::shared_ptr<Buffer> found = e.buffer.lock()) return found;
  const std::shared_ptr<Buffer> memory = Buffer::allocate(packed.get_size());
  const ThreadLimit limit(1);  // a caller's thread shall not get a team of its own
  dnnl::memory from(plain, onednn_engine(), weights.raw());
  dnnl::memory to(packed, onednn_engine(), memory->data());
  dnnl::reorder(from, to).execute(onednn_stream(), from, to);
  onednn_stream().wait();
  const std::shared_ptr<Buffer> shared =
      Buffer::wrap(memory->data(), packed.get_size(), [memory, weights] {}, false);
  list.push_back({weights.raw(), packed, shared});
  return shared;
}

}  // namespace andiron::exec
