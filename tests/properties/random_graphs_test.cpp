// Random graphs of the catalog's ops give the same whatever computes them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "tests/properties/random_graph_testing.hpp"
#include "tests/properties/ways_testing.hpp"

namespace andiron::properties {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kGraphs = 40;
#else
constexpr int64_t kGraphs = 500;
#endif

int64_t number_from(const char* variable, int64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoll(text, nullptr, 10);
}

Values values_of(const Graph& graph, const std::vector<Leaf>& leaves,
                 const std::vector<Tensor>& tensors) {
  Values values;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const Node& node = leaves[i].value.node();
    if (node.is("variable")) {
      values.variables.emplace_back(node.attr<VariablePtr>("variable"), tensors[i]);
    } else {
      values.inputs.push_back(tensors[i]);
    }
  }
  EXPECT_EQ(values.inputs.size(), graph.inputs().size());
  return values;
}

// The largest finite element, or -1 where one is not finite.
double scale_of(const Tensor& t) {
  double scale = 0;
  for (int64_t i = 0; i < t.count(); ++i) {
    if (!std::isfinite(t.item(i))) return -1;
    scale = std::max(scale, std::abs(t.item(i)));
  }
  return scale;
}

double distance(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  double most = 0;
  for (int64_t i = 0; i < a.count(); ++i) {
    const double d = std::abs(a.item(i) - b.item(i));
    if (!(d <= most)) most = std::isnan(d) ? INFINITY : d;
  }
  return most;
}

// What the results must be, and how near they must come; negative: no number can be asked for.
struct Expected {
  std::vector<Tensor> results;
  std::vector<double> tolerances;
};

struct Mismatch {
  Way way;
  size_t result = 0;  // in the order of outputs, then updates
  std::string what;
  double off = std::numeric_limits<double>::infinity();
};

// All ways that give something else.
std::vector<Mismatch> mismatches(const std::vector<Way>& ways, const Graph& graph,
                                 const Values& values, const std::map<std::string, int64_t>& sizes,
                                 const Expected& expected) {
  std::vector<Mismatch> found;
  for (const Way& way : ways) {
    try {
      const std::vector<Tensor> actual = compute(way, graph, values, sizes);
      for (size_t i = 0; i < actual.size(); ++i) {
        const double tolerance = expected.tolerances[i];
        if (tolerance < 0) continue;
        const double off = distance(actual[i], expected.results[i]);
        if (off <= tolerance) continue;
        found.push_back(
            {way, i, fmt::format("result {} is off by {}, allowed {}", i, off, tolerance), off});
        break;
      }
    } catch (const std::exception& e) {
      found.push_back({way, 0, e.what()});
    }
  }
  return found;
}

// Of the graph's results with these values for its leaves. Another order of the same computation
// may be off by some times what rounding to float32 does.
Expected expected_of(const RandomGraph& g, const Graph& graph, const Values& values,
                     const Values& single_values, const Values& exact_values) {
  Expected expected;
  expected.results = reference(graph, values, g.sizes);
  const auto single = reference(g.single, single_values, g.sizes);
  const auto exact = reference(g.exact, exact_values, g.sizes);
  for (size_t i = 0; i < exact.size(); ++i) {
    const double scale = scale_of(exact[i]), error = distance(single[i], exact[i]);
    double tolerance = scale < 0 || !std::isfinite(error) ? -1 : 1e-5 * scale + 50 * error + 1e-7;
    if (!is_floating(expected.results[i].dtype()) && tolerance >= 0) tolerance = error;
    expected.tolerances.push_back(tolerance);
  }
  return expected;
}

// Some times what rounding does to the largest number on the way. Where sums cancel (a normal's
// gradients over its group) a result may be off by so much, and the reference not, by chance.
double rounding_on_the_way(const Graph& graph, const Values& values,
                           const std::map<std::string, int64_t>& sizes) {
  std::vector<Value> all;
  for (const Node* node : graph.nodes())
    for (size_t i = 0; i < node->outputs.size(); ++i)
      if (is_floating(node->outputs[i].dtype))
        all.emplace_back(node->shared_from_this(), static_cast<int>(i));
  double largest = 0;
  for (const Tensor& t : reference(Graph(graph.inputs(), all), values, sizes))
    largest = std::max(largest, scale_of(t));
  return 50 * std::numeric_limits<float>::epsilon() * largest;
}

// --- a smaller graph with the same failure -----------------------------------------------------

struct Shrunk {
  Graph graph;
  Values values;
};

// Whether the way still gives something far from the reference kernels' result.
bool still_fails(const Way& way, const Shrunk& s, const std::map<std::string, int64_t>& sizes,
                 double at_least) {
  try {
    Expected expected;
    expected.results = reference(s.graph, s.values, sizes);
    for (const Tensor& t : expected.results) {
      const double scale = scale_of(t);
      expected.tolerances.push_back(scale < 0 ? -1 : std::max(at_least, 1e-4 * scale));
    }
    return !mismatches({way}, s.graph, s.values, sizes, expected).empty();
  } catch (const std::exception&) {
    return false;
  }
}

// The graph with a placeholder in the place of a node's values.
Shrunk cut_off(const Shrunk& s, const Node& node, const std::map<std::string, int64_t>& sizes) {
  std::vector<Value> values, inputs = s.graph.inputs(), outputs;
  for (size_t i = 0; i < node.outputs.size(); ++i)
    values.emplace_back(node.shared_from_this(), static_cast<int>(i));
  Shrunk smaller{{}, s.values};
  const auto now = reference(Graph(s.graph.inputs(), values), s.values, sizes);
  Rewriter rewrite(nullptr);
  for (size_t i = 0; i < values.size(); ++i) {
    std::string name = "cut";
    name += std::to_string(inputs.size());
    inputs.push_back(input(std::move(name), values[i].dtype(), values[i].shape()));
    smaller.values.inputs.push_back(now[i]);
    rewrite.map(values[i], inputs.back());
  }
  for (const Value& v : s.graph.outputs()) outputs.push_back(rewrite(v));
  std::vector<Graph::Update> updates;
  for (const Graph::Update& u : s.graph.updates())
    updates.push_back({u.variable, rewrite(u.value)});
  smaller.graph = Graph(inputs, outputs, updates);
  return smaller;
}

// Leaves away what the failure does not need, as long as there is something.
Shrunk shrink(const Way& way, Shrunk s, size_t result, const std::map<std::string, int64_t>& sizes,
              double at_least) {
  auto take = [&](const Shrunk& smaller) {
    if (!still_fails(way, smaller, sizes, at_least)) return false;
    s = smaller;
    return true;
  };
  const size_t n = s.graph.outputs().size();
  if (result < n) {
    take({Graph(s.graph.inputs(), {s.graph.outputs()[result]}), s.values});
  } else {
    take({Graph(s.graph.inputs(), {}, {s.graph.updates()[result - n]}), s.values});
  }
  for (bool smaller = true; smaller;) {
    smaller = false;
    const std::vector<const Node*> nodes = s.graph.nodes();
    for (size_t i = nodes.size(); i-- > 0 && !smaller;) {
      if (nodes[i]->inputs.empty()) continue;
      smaller = take(cut_off(s, *nodes[i], sizes));
    }
  }
  return s;
}

// --- the test ------------------------------------------------------------------------------------

std::string describe(const RandomGraph& g, uint64_t seed, const Graph& graph, const Values& values,
                     const Mismatch& m, double tolerance) {
  const Shrunk small = shrink(m.way, {graph, values}, m.result, g.sizes, tolerance);
  std::string text = fmt::format("seed {}, {}: {}\n", seed, m.way.name, m.what);
  for (const auto& [symbol, size] : g.sizes) text += fmt::format("{} = {}\n", symbol, size);
  text += small.graph.print();
  for (const Tensor& t : small.values.inputs) {
    text += fmt::format("{}{}:", name_of(t.dtype()), str(t.sizes()));
    for (int64_t i = 0; i < std::min<int64_t>(t.count(), 12); ++i)
      text += fmt::format(" {}", t.item(i));
    text += "\n";
  }
  return text;
}

// The ways that fail with values of this seed; the values, and what was expected.
std::vector<Mismatch> check(const RandomGraph& g, const Graph& graph, const std::vector<Way>& ways,
                            uint64_t value_seed, Values& values, Expected& expected) {
  const std::vector<Tensor> single = draw_values(g.leaves, g.sizes, value_seed);
  std::vector<Tensor> exact;
  for (const Tensor& t : single) exact.push_back(is_floating(t.dtype()) ? t.cast(DType::f64) : t);
  const Values single_values = values_of(g.single, g.leaves, single);
  const Values exact_values = values_of(g.exact, g.exact_leaves, exact);
  values = &graph == &g.single ? single_values : exact_values;
  try {
    expected = expected_of(g, graph, values, single_values, exact_values);
  } catch (const Error&) {
    return {};  // these values are no input for it: an id out of range
  }
  return mismatches(ways, graph, values, g.sizes, expected);
}

// Values near a step (of relu's slope, of a maximum) may fall to either side of it. So what fails
// has to fail for other values too.
TEST(RandomGraphs, every_way_gives_the_same) {
  const int64_t n = number_from("ANDIRON_RANDOM_GRAPHS", kGraphs);
  const int64_t first = number_from("ANDIRON_RANDOM_SEED", 1);
  constexpr int kMostShown = 5;
  int shown = 0, doubtful = 0;
  size_t n_nodes = 0;
  for (int64_t seed = first; seed < first + n && shown < kMostShown; ++seed) {
    const RandomGraph g = draw_graph(static_cast<uint64_t>(seed));
    n_nodes += g.single.nodes().size();
    const std::vector<Way> ways = all_ways(static_cast<uint64_t>(seed));
    for (const bool in_double : {false, true}) {
      if (in_double && seed % 4 != 0) continue;
      const Graph& graph = in_double ? g.exact : g.single;
      Values values;
      Expected expected;
      const auto found = check(g, graph, ways, 0, values, expected);
      const double on_the_way = found.empty() ? 0 : rounding_on_the_way(graph, values, g.sizes);
      bool in_doubt = false;  // the ways of a graph are counted once
      for (const Mismatch& m : found) {
        int again = 0;
        Values other;
        Expected ignored;
        for (uint64_t other_seed = 1; other_seed <= 4; ++other_seed)
          again += check(g, graph, {m.way}, other_seed, other, ignored).empty() ? 0 : 1;
        const bool rounding = again > 0 && m.off <= on_the_way;
        if (again == 0 || rounding) {
          doubtful += in_doubt ? 0 : 1;
          in_doubt = true;
          std::cout << (rounding ? "within rounding on the way" : "with one set of values only")
                    << ": seed " << seed << ", " << m.way.name << ": " << m.what << "\n";
          continue;
        }
        ADD_FAILURE() << describe(g, static_cast<uint64_t>(seed), graph, values, m,
                                  std::max(0.0, expected.tolerances[m.result]));
        ++shown;
        break;
      }
    }
  }
  std::cout << n << " graphs, " << n_nodes << " nodes, " << doubtful << " doubtful\n";
  EXPECT_LE(doubtful, 2 + n / 100);
}

}  // namespace
}  // namespace andiron::properties
