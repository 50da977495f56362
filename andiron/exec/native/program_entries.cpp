#include <algorithm>

#include "andiron/exec/native/cast_elements.hpp"
#include "andiron/exec/native/integer_elements.hpp"
#include "andiron/exec/native/program_kernel.hpp"

namespace andiron::exec {

namespace {

std::unique_ptr<Program> program_of(const KernelRequest& request) {
  const auto& body = *request.node.attr<std::shared_ptr<const Graph>>("body");
  std::vector<const Node*> nodes;
  for (const Node* node : body.nodes())
    if (!node->is("input") && !node->is("constant")) nodes.push_back(node);
  return compile_program(body.inputs(), body.outputs(), nodes, request);
}

bool plain_rows(const KernelRequest& request) {
  if (request.adds_to(0)) return false;
  const auto dense = [](const Operand& o) { return o.dense(); };
  return std::all_of(request.src.begin(), request.src.end(), dense) &&
         std::all_of(request.dst.begin(), request.dst.end(), dense);
}

}  // namespace

std::unique_ptr<Kernel> make_vector_kernel(const KernelRequest& request) {
  const Node& node = request.node;
  const bool elementwise = vector_form(node).has_value();
  if (!elementwise && !fold_form(node)) return nullptr;
  // What needs no arithmetic of floats goes straight from memory to memory, where it is dense.
  if (elementwise && plain_rows(request)) {
    if (auto kernel = make_cast(request)) return kernel;
    if (auto kernel = make_integer_elements(request)) return kernel;
  }
  const std::vector<Value> outputs = {Value(node.shared_from_this(), 0)};
  auto program = compile_program(node.inputs, outputs, {&node}, request);
  if (!program) return nullptr;
  return std::make_unique<ProgramKernel>(std::move(program), request.threads, request.helpers,
                                         "vector");
}

std::unique_ptr<Kernel> make_fused_kernel(const KernelRequest& request) {
  auto program = program_of(request);
  if (!program) return nullptr;
  return std::make_unique<ProgramKernel>(std::move(program), request.threads, request.helpers,
                                         "fused tiles");
}

FuseRules fuse_rules() {
  return {[](const Node& node) {
            if (vector_form(node)) return FuseRole::elementwise;
            return fold_form(node) ? FuseRole::reduction : FuseRole::none;
          },
          [](const Node& node) {
            KernelRequest request{node, {}, {}};
            auto add = [](std::vector<Operand>& list, const TensorType& type) {
              Operand o{type.dtype, type.shape.sizes()};
              o.row_stride = o.cols();
              list.push_back(std::move(o));
            };
            for (const Value& v : node.inputs) add(request.src, v.type());
            for (const TensorType& type : node.outputs) add(request.dst, type);
            return program_of(request) != nullptr;
          }};
}

}  // namespace andiron::exec
