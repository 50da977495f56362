#include <nlohmann/json.hpp>

#include "andiron/io/graph_json.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/ops.hpp"
#include "tests/fuzz/seeds.hpp"

// A graph for each case of the catalog, and one with variables and updates.
int main(int argc, char** argv) {
  using namespace andiron;
  if (argc != 2) return 1;
  std::vector<Tensor> constants;
  for (const ops::CatalogCase& c : ops::all_cases()) {
    std::vector<Value> inputs;
    for (const std::string& text : c.data().inputs)
      inputs.push_back(input("x" + std::to_string(inputs.size()),
                             ops::parse_case_input(text).type.dtype,
                             ops::parse_case_input(text).type.shape));
    const Graph graph(inputs, make_node(*c.op, inputs, c.data().attributes));
    if (!write_seed(argv[1], c.name(), io::graph_to_json(graph, constants).dump())) return 1;
  }
  const auto w = std::make_shared<Variable>("w", Tensor::full(DType::f32, {3, 2}, 0.25));
  const auto b = std::make_shared<Variable>("b", Tensor::full(DType::f32, {2}, 0.25));
  const Value x = input("x", DType::f32, {Dim::symbol("batch"), 3});
  const Value y = ops::dense(x, read(w), read(b));
  const Graph step({x}, {y, ops::mean(y)}, {{b, read(b) * 0.5}});
  return write_seed(argv[1], "step", io::graph_to_json(step, constants).dump()) ? 0 : 1;
}
