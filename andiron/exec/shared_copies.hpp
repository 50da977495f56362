#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "andiron/tensor/tensor.hpp"

namespace andiron::exec {

/// Copies of constant weights in the layouts that kernels want: made on first demand, shared by all
/// kernels that want the same, gone with the last of them. `Key` says the layout. Thread-safe.
template <class Key, class Copy>
class SharedCopies {
 public:
  /// The copy of these weights under this key; `make` gives it as a shared_ptr where there is none.
  template <class Make>
  std::shared_ptr<Copy> get(const Tensor& weights, const Key& key, Make make) {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [](const Entry& e) { return e.copy.expired(); });
    for (const Entry& e : entries_)
      if (e.address == weights.raw() && e.key == key)
        if (std::shared_ptr<Copy> found = e.copy.lock()) return found;
    // With the weights that it was made of, so that no others can take their address.
    const auto both = std::make_shared<std::pair<std::shared_ptr<Copy>, Tensor>>(make(), weights);
    const std::shared_ptr<Copy> shared(both, both->first.get());
    entries_.push_back({weights.raw(), key, shared});
    return shared;
  }

 private:
  struct Entry {
    const void* address;
    Key key;
    std::weak_ptr<Copy> copy;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace andiron::exec
