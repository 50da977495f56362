#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "andiron/exec/plan.hpp"

namespace andiron::nn {

/// Plans by (graph, sizes, options), the least recently used ones dropped when their memory exceeds
/// a bound: a thousand batch sizes cost no more than a few.
/// Thread-safe. A plan is lent to one thread at a time; the lock is held only while it is looked up
/// and given back, not while it runs.
class PlanCache {
 public:
  /// `max_bytes` bounds the idle plans; `copies` is how many plans of one key may exist, so that as
  /// many threads can run it at once. More callers wait.
  explicit PlanCache(size_t max_bytes = size_t{256} << 20, int copies = 1);
  ~PlanCache();

  using Sizes = std::map<std::string, int64_t>;

 private:
  struct Entry;

 public:
  /// Gives the plan back when it goes.
  class Lease {
   public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    exec::Plan& operator*() const;
    exec::Plan* operator->() const { return &**this; }

   private:
    friend class PlanCache;
    Lease(PlanCache* cache, std::shared_ptr<Entry> entry)
        : cache_(cache), entry_(std::move(entry)) {}
    PlanCache* cache_;
    std::shared_ptr<Entry> entry_;
  };

  /// Compiles the plan when it is not there. The graph is told apart by its address.
  Lease checkout(const std::shared_ptr<const Graph>& graph, const Sizes& sizes,
                 const exec::PlanOptions& options = {});
  /// Drops every idle plan; those that are lent out go when they come back.
  void clear();

  /// Of every plan that is there and was compiled to be timed; REQUIRES that none runs.
  std::vector<exec::NodeProfile> profile() const;
  size_t plans() const;
  size_t bytes() const;
  int64_t compilations() const;

 private:
  void give_back(const std::shared_ptr<Entry>& entry);
  void shrink();

  mutable std::mutex mutex_;
  std::condition_variable returned_;
  std::list<std::shared_ptr<Entry>> entries_;  // most recently used first
  size_t max_bytes_, bytes_ = 0;
  int copies_;
  int64_t compilations_ = 0, generation_ = 0;
};

}  // namespace andiron::nn
