#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/io/graph_json.hpp"
#include "andiron/io/json_text.hpp"
#include "tests/fuzz/small_graph.hpp"

// Any text as a graph's JSON: a graph that can be printed, written again and, where it is small,
// computed; or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace andiron;
  static const std::vector<Tensor> constants = {Tensor::full(DType::f32, {2, 3}, 0.5),
                                                Tensor::full(DType::i32, {4}, 1),
                                                Tensor::scalar(3.0, DType::f64)};
  static const std::map<std::string, VariablePtr> variables = {
      {"w", std::make_shared<Variable>("w", Tensor::full(DType::f32, {3, 2}, 0.25))},
      {"b", std::make_shared<Variable>("b", Tensor::full(DType::f32, {2}, 0.25))}};
  try {
    const nlohmann::json json =
        io::parse_json(std::string(reinterpret_cast<const char*>(data), size));
    const Graph graph = io::graph_from_json(json, constants, [](const std::string& name) {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second;
    });
    (void)graph.print();
    std::vector<Tensor> written;
    (void)io::graph_to_json(graph, written);
    compute_if_small(graph);
  } catch (const Error&) {
  }
  return 0;
}
