#include <fstream>
#include <iostream>

#include "andiron/io/onnx/exporter.hpp"
#include "andiron/ops/ops.hpp"

// onnx_seeds FOLDER: small models of the kinds of fields and operators that files have.
int main(int argc, char** argv) {
  using namespace andiron;
  if (argc != 2) {
    std::cerr << "onnx_seeds FOLDER\n";
    return 2;
  }
  const Dim batch = Dim::symbol("batch");
  const Value x = input("x", DType::f32, {batch, 4});
  const auto w = std::make_shared<Variable>("w", Tensor::full(DType::f32, {4, 3}, 0.5));
  const Value h = ops::matmul(x, read(w));
  const Value image = input("image", DType::f32, {batch, 2, 6, 6});
  const auto k = std::make_shared<Variable>("k", Tensor::full(DType::f32, {2, 2, 3, 3}, 0.1));
  const std::vector<std::pair<std::string, Graph>> graphs = {
      {"dense", Graph({x}, {ops::softmax(ops::gelu(h), -1)})},
      {"shapes",
       Graph({x}, {ops::sum(ops::pad(ops::reshape(h, {batch, 3, 1}), {0, 1, 0}, {0, 1, 0}), {1})})},
      {"parts",
       Graph({x}, ops::split(ops::concat({h, ops::slice(x, {0, 1}, {-1, 2})}, 1), {2, 3}, 1))},
      {"image", Graph({image}, {ops::max_pool(ops::conv(image, read(k)), {2, 2})})},
      {"best", Graph({x}, ops::topk(h, 2))},
  };
  for (const auto& [name, graph] : graphs)
    for (const int64_t opset : {13, 18, 21}) {
      const std::string bytes =
          io::onnx::serialize(io::onnx::export_graph(graph, {.opset = opset}));
      std::ofstream(std::string(argv[1]) + "/" + name + std::to_string(opset) + ".onnx",
                    std::ios::binary)
          << bytes;
    }
  return 0;
}
