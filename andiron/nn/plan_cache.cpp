#include "andiron/nn/plan_cache.hpp"

namespace andiron::nn {

struct PlanCache::Entry {
  std::shared_ptr<const Graph> graph;  // held, so that its address stays its own
  Sizes sizes;
  exec::PlanOptions options;
  std::unique_ptr<exec::Plan> plan;
  size_t bytes = 0;
  int64_t generation = 0;
  bool busy = false;
};

namespace {

// A plan's kernels and lists beside its memory to work in, roughly.
constexpr size_t kBytesPerNode = 2048;

bool same(const exec::PlanOptions& a, const exec::PlanOptions& b) {
  return a.threads == b.threads && a.helpers == b.helpers && a.fuse == b.fuse && a.tile == b.tile &&
         a.tile_rows == b.tile_rows && a.profile == b.profile &&
         a.check_numerics == b.check_numerics;
}

}  // namespace

PlanCache::PlanCache(size_t max_bytes, int copies) : max_bytes_(max_bytes), copies_(copies) {}
PlanCache::~PlanCache() = default;

PlanCache::Lease::Lease(Lease&& other) noexcept
    : cache_(other.cache_), entry_(std::move(other.entry_)) {}
PlanCache::Lease::~Lease() {
  if (entry_ != nullptr) cache_->give_back(entry_);
}
exec::Plan& PlanCache::Lease::operator*() const { return *entry_->plan; }

PlanCache::Lease PlanCache::checkout(const std::shared_ptr<const Graph>& graph, const Sizes& sizes,
                                     const exec::PlanOptions& wanted) {
  exec::PlanOptions options = wanted;
  if (options.threads == 0) options.threads = exec::default_threads();  // of now, not of the plan's
  std::unique_lock lock(mutex_);
  while (true) {
    int there = 0;
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      const std::shared_ptr<Entry>& entry = *it;
      if (entry->graph != graph || entry->generation != generation_ || entry->sizes != sizes ||
          !same(entry->options, options))
        continue;
      ++there;
      if (entry->busy) continue;
      entry->busy = true;
      entries_.splice(entries_.begin(), entries_, it);
      return Lease(this, entries_.front());
    }
    if (there < copies_) break;
    returned_.wait(lock);
  }
  auto entry = std::make_shared<Entry>();
  entry->graph = graph;
  entry->sizes = sizes;
  entry->options = options;
  entry->generation = generation_;
  entry->busy = true;
  entries_.push_front(entry);
  ++compilations_;
  lock.unlock();
  try {
    entry->plan = exec::Plan::compile(*graph, sizes, options);
  } catch (...) {
    lock.lock();
    entries_.remove(entry);
    returned_.notify_all();
    throw;
  }
  lock.lock();
  entry->bytes = kBytesPerNode * graph->nodes().size();
  if (options.workspace == nullptr) entry->bytes += entry->plan->arena_bytes();
  bytes_ += entry->bytes;
  shrink();
  return Lease(this, entry);
}

void PlanCache::give_back(const std::shared_ptr<Entry>& entry) {
  std::shared_ptr<Entry> dropped;  // released after the lock
  {
    std::lock_guard lock(mutex_);
    entry->busy = false;
    if (entry->generation != generation_) {
      bytes_ -= entry->bytes;
      entries_.remove(entry);
      dropped = entry;
    }
    shrink();
  }
  returned_.notify_all();
}

void PlanCache::shrink() {
  for (auto it = entries_.end(); bytes_ > max_bytes_ && it != entries_.begin();) {
    --it;
    if ((*it)->busy) continue;
    bytes_ -= (*it)->bytes;
    it = entries_.erase(it);
  }
}

void PlanCache::clear() {
  std::lock_guard lock(mutex_);
  ++generation_;
  for (auto it = entries_.begin(); it != entries_.end();) {
    if ((*it)->busy) {
      ++it;
      continue;
    }
    bytes_ -= (*it)->bytes;
    it = entries_.erase(it);
  }
}

std::vector<exec::NodeProfile> PlanCache::profile() const {
  std::lock_guard lock(mutex_);
  std::vector<exec::NodeProfile> all;
  for (const std::shared_ptr<Entry>& entry : entries_) {
    if (entry->plan == nullptr || !entry->options.profile) continue;
    for (exec::NodeProfile& node : entry->plan->profile()) all.push_back(std::move(node));
  }
  return all;
}

size_t PlanCache::plans() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}
size_t PlanCache::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}
int64_t PlanCache::compilations() const {
  std::lock_guard lock(mutex_);
  return compilations_;
}

}  // namespace andiron::nn
