#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/passes/fuse.hpp"

namespace andiron {

/// The graph before the first pass and after each one, for people.
using PassHistory = std::vector<std::pair<std::string, Graph>>;

/// While it lives, plans made on this thread leave out the passes of these names: it tells which
/// one is at fault. "counts" is always run, since tiles need it.
class WithoutPasses {
 public:
  explicit WithoutPasses(std::vector<std::string> names);
  ~WithoutPasses();
  WithoutPasses(const WithoutPasses&) = delete;
  WithoutPasses& operator=(const WithoutPasses&) = delete;

 private:
  std::vector<std::string> previous_;
};

/// A trace with its variables' values of now, what depends on constants alone computed, and what
/// convolutions can take in taken in: symbolic, so that the plans of all batch sizes share weights.
Graph frozen(const Graph& trace);

/// The passes that run while the batch is a symbol. `sizes` are those that it will be bound to.
/// `commute`: whether products may change places with look-ups (see commute_lookups).
/// `history` may be null.
Graph optimise_symbolic(const Graph& graph, const std::map<std::string, int64_t>& sizes,
                        int threads, bool commute, PassHistory* history);

/// The passes that run on one stage with concrete shapes; fusion where there are rules for it. In
/// the history, which may be null, `stage` stands before the passes' names.
Graph optimise_concrete(const Graph& graph, const FuseRules* fuse_rules, PassHistory* history,
                        const std::string& stage);

}  // namespace andiron
