#include "andiron/passes/pipeline.hpp"

#include <algorithm>

#include "andiron/base/isa.hpp"
#include "andiron/passes/commute_lookups.hpp"
#include "andiron/passes/cse.hpp"
#include "andiron/passes/embedding_gradients.hpp"
#include "andiron/passes/fold.hpp"
#include "andiron/passes/freeze.hpp"
#include "andiron/passes/fuse_blocks.hpp"
#include "andiron/passes/fuse_conv.hpp"
#include "andiron/passes/fuse_matmul.hpp"
#include "andiron/passes/lay_out.hpp"
#include "andiron/passes/simplify.hpp"
#include "andiron/passes/widen_products.hpp"

namespace andiron {

namespace {

thread_local std::vector<std::string> left_out;

// A graph on its way through the passes.
struct Passes {
  Graph graph;
  PassHistory* history;
  std::string stage;

  template <class Pass>
  void run(const char* name, const Pass& pass) {
    if (std::count(left_out.begin(), left_out.end(), name) == 0) always(name, pass);
  }
  template <class Pass>
  void always(const char* name, const Pass& pass) {
    graph = pass(graph);
    record(name);
  }
  void record(const char* name) {
    if (history != nullptr) history->emplace_back(stage + name, graph);
  }
};

Graph folded(const Graph& graph) { return fold(graph); }

}  // namespace

WithoutPasses::WithoutPasses(std::vector<std::string> names)
    : previous_(std::exchange(left_out, std::move(names))) {}

WithoutPasses::~WithoutPasses() { left_out = std::move(previous_); }

Graph frozen(const Graph& trace) { return fuse_conv(fold(simplify(fold(freeze(trace))))); }

Graph optimise_symbolic(const Graph& graph, const std::map<std::string, int64_t>& sizes,
                        int threads, bool commute, PassHistory* history) {
  Passes passes{graph, history, ""};
  passes.record("graph");
  if (auto batch = sizes.find("batch"); batch != sizes.end()) {
    const int64_t rows = batch->second;
    passes.run("embedding gradients",
               [&](const Graph& g) { return choose_embedding_gradients(g, rows, threads); });
    if (commute)
      passes.run("commute look-ups",
                 [&](const Graph& g) { return commute_lookups(g, rows, threads); });
  }
  passes.run("cse", cse);
  passes.run("simplify", simplify);
  passes.run("cse", cse);
  passes.always("counts", [&](const Graph& g) { return fold_counts(g, sizes); });
  return passes.graph;
}

Graph optimise_concrete(const Graph& graph, const FuseRules* fuse_rules, PassHistory* history,
                        const std::string& stage) {
  Passes passes{graph, history, stage + ": "};
  passes.record("graph");
  if (current_isa() == Isa::avx2) passes.run("widen products", widen_products);
  passes.run("fold", folded);
  passes.run("cse", cse);
  passes.run("simplify", simplify);
  passes.run("fold", folded);
  passes.run("cse", cse);
  passes.run("layout", lay_out);
  passes.run("fold", folded);
  passes.run("cse", cse);
  if (fuse_rules != nullptr) {
    passes.run("fuse_conv", fuse_conv);
    passes.run("fuse_blocks", fuse_blocks);
    passes.run("fuse_matmul", fuse_matmul);
    passes.run("fuse", [&](const Graph& g) { return fuse(g, *fuse_rules); });
  }
  return passes.graph;
}

}  // namespace andiron
