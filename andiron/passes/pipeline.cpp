#include "andiron/passes/pipeline.hpp"

#include "andiron/passes/commute_lookups.hpp"
#include "andiron/passes/cse.hpp"
#include "andiron/passes/embedding_gradients.hpp"
#include "andiron/passes/fold.hpp"
#include "andiron/passes/fuse_matmul.hpp"
#include "andiron/passes/simplify.hpp"

namespace andiron {

Graph optimise_symbolic(const Graph& graph, const std::map<std::string, int64_t>& sizes,
                        int threads, bool commute, PassHistory& history) {
  Graph g = graph;
  history.emplace_back("graph", g);
  if (auto batch = sizes.find("batch"); batch != sizes.end()) {
    g = choose_embedding_gradients(g, batch->second, threads);
    history.emplace_back("embedding gradients", g);
    if (commute) g = commute_lookups(g, batch->second, threads);
    if (commute) history.emplace_back("commute look-ups", g);
  }
  g = cse(simplify(cse(g)));
  history.emplace_back("cse, simplify", g);
  g = fold_counts(g, sizes);
  history.emplace_back("counts", g);
  return g;
}

Graph optimise_concrete(const Graph& graph, const FuseRules* fuse_rules) {
  Graph g = cse(fold(simplify(cse(fold(graph)))));
  if (fuse_rules != nullptr) g = fuse(fuse_matmul(g), *fuse_rules);
  return g;
}

}  // namespace andiron
