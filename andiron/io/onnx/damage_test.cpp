// Damaged models: every truncation and every byte changed is an error with words or a model, never
// a signal; memory stays bounded.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "andiron/base/error.hpp"
#include "andiron/io/onnx/errors.hpp"
#include "andiron/io/onnx/exporter.hpp"
#include "andiron/io/onnx/importer.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::io::onnx {
namespace {

std::shared_ptr<Buffer> buffer_of(const std::string& bytes) {
  auto buffer = Buffer::allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(buffer->data(), bytes.data(), bytes.size());
  return buffer;
}

// A network with a symbolic batch, integer operands and all kinds of attributes.
std::string small_model() {
  const Value x = input("x", DType::f32, {Dim::symbol("batch"), 4});
  const auto w = std::make_shared<Variable>("w", Tensor::full(DType::f32, {4, 3}, 0.5));
  Value y = ops::relu(ops::matmul(x, read(w)));
  y = ops::softmax(ops::leaky_relu(ops::reshape(y, {Dim::symbol("batch"), 3}), 0.1), -1);
  y = ops::sum(ops::pad(y, {0, 1}, {0, 1}), {1}, true);
  y = ops::slice(ops::concat({y, y}, 1), {0, 0}, {-1, 1});
  return serialize(export_graph(Graph({x}, {y})));
}

// Parses and imports; what comes of it, if anything, is computed on a small batch.
void survive(const std::string& bytes) {
  try {
    const ModelProto model = parse_model(buffer_of(bytes));
    std::map<std::string, VariablePtr> variables;
    ImportOptions options;
    options.variables = &variables;
    const Imported imported = import_graph(model, options);
    std::vector<Tensor> inputs;
    for (const Value& v : imported.graph.inputs()) {
      const Shape shape = v.shape().bind({{"batch", 2}});
      if (!shape.known() || shape.count().size() > 1000) return;
      inputs.push_back(Tensor::zeros(v.dtype(), shape.sizes()));
    }
    const Graph bound = bind_sizes(imported.graph, {{"batch", 2}});
    for (const Node* node : bound.nodes())
      for (const TensorType& t : node->outputs)
        if (!t.shape.known() || t.shape.count().size() > 100000) return;
    ops::evaluate_reference(imported.graph, inputs);
  } catch (const Error& e) {
    EXPECT_GT(std::strlen(e.what()), 8U);
  }
}

TEST(OnnxDamage, the_whole_model_is_read) {
  const std::string bytes = small_model();
  const Imported imported = import_graph(parse_model(buffer_of(bytes)));
  EXPECT_EQ(imported.input_names, std::vector<std::string>{"x"});
  const Tensor x = Tensor::full(DType::f32, {2, 4}, 1.0);
  EXPECT_NEAR(ops::evaluate_reference(imported.graph, {x})[0].item(), 1.0, 1e-6);
}

TEST(OnnxDamage, every_truncation_is_an_error_or_a_model) {
  const std::string bytes = small_model();
  for (size_t n = 0; n < bytes.size(); ++n) survive(bytes.substr(0, n));
}

TEST(OnnxDamage, every_flipped_byte_is_an_error_or_a_model) {
  const std::string bytes = small_model();
  for (size_t i = 0; i < bytes.size(); ++i)
    for (const int change : {0x01, 0x08, 0x80, 0xFF}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ change);
      survive(damaged);
    }
}

TensorProto external(const std::string& location, const std::string& offset = "0") {
  TensorProto t;
  t.name = "w";
  t.data_type = 1;
  t.dims = {2};
  t.external = true;
  t.external_data = {{"location", location}, {"offset", offset}, {"length", "8"}};
  return t;
}

std::string message_of(const TensorProto& t, const std::string& folder) {
  try {
    tensor_of(t, folder);
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

TEST(OnnxDamage, external_data_stay_below_the_models_folder) {
  const std::string folder = testing::TempDir() + "onnx_external";
  std::filesystem::create_directories(folder + "/inside");
  std::ofstream(folder + "/inside/w.bin", std::ios::binary) << std::string(16, '\0');
  std::ofstream(testing::TempDir() + "secret.bin", std::ios::binary) << std::string(16, '\0');
  std::error_code ec;
  std::filesystem::remove(folder + "/link", ec);
  std::filesystem::create_symlink(testing::TempDir() + "secret.bin", folder + "/link");
  EXPECT_EQ(message_of(external("inside/w.bin"), folder), "");
  EXPECT_EQ(message_of(external("inside/w.bin", "8"), folder), "");
  for (const char* path : {"../secret.bin", "inside/../../secret.bin", "/etc/passwd", "", "link"})
    EXPECT_NE(message_of(external(path), folder).find("must lie in the model's folder"),
              std::string::npos)
        << path << ": " << message_of(external(path), folder);
  EXPECT_NE(message_of(external("inside/w.bin", "12"), folder).find("reach to byte 20"),
            std::string::npos);
  EXPECT_NE(message_of(external("inside/w.bin", "-1"), folder).find("not a number of bytes"),
            std::string::npos);
  EXPECT_NE(message_of(external("inside/other.bin"), folder).find("there is no file"),
            std::string::npos);
}

TEST(OnnxDamage, sizes_that_overflow_take_no_memory) {
  TensorProto t;
  t.name = "bomb";
  t.data_type = 1;
  t.dims = {INT64_MAX, INT64_MAX};
  EXPECT_NE(message_of(t, "").find("impossible shape"), std::string::npos);
  t.dims = {int64_t{1} << 40};
  EXPECT_NE(message_of(t, "").find("its shape"), std::string::npos);
}

// By Pad's attribute, as it was before opset 11.
TEST(OnnxDamage, pads_that_cut_more_than_there_is) {
  for (const int64_t pad : {int64_t{-3}, INT64_MIN}) {
    ModelProto m;
    m.ir_version = 4;
    m.opsets[""] = 10;
    NodeProto n;
    n.op_type = "Pad";
    n.inputs = {"x"};
    n.outputs = {"y"};
    AttributeProto pads;
    pads.name = "pads";
    pads.type = 7;  // INTS
    pads.ints = {pad, 0};
    n.attributes = {pads};
    m.graph.nodes = {n};
    ValueInfo x;
    x.name = "x";
    x.elem_type = 1;
    x.has_shape = true;
    x.shape = {{2, ""}};
    m.graph.inputs = {x};
    x.name = "y";
    m.graph.outputs = {x};
    try {
      import_graph(m);
      ADD_FAILURE() << "it was imported";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("cuts more than there is"), std::string::npos)
          << e.what();
    }
  }
}

// Each calls the next one twice: 2^20 nodes in a few hundred bytes. With 40 levels it is too deep.
void expect_refused(int levels, const std::string& words) {
  ModelProto m;
  m.ir_version = 8;
  m.opsets[""] = 17;
  for (int level = 0; level < levels; ++level) {
    FunctionProto f;
    f.name = "f" + std::to_string(level);
    f.inputs = {"a"};
    f.outputs = {"c"};
    NodeProto n;
    n.op_type = level == levels - 1 ? "Neg" : "f" + std::to_string(level + 1);
    n.inputs = {"a"};
    n.outputs = {"b"};
    f.nodes.push_back(n);
    n.inputs = {"b"};
    n.outputs = {"c"};
    f.nodes.push_back(n);
    m.functions.push_back(f);
  }
  ValueInfo x;
  x.name = "x";
  x.elem_type = 1;
  x.has_shape = true;
  x.shape = {{2, ""}};
  m.graph.inputs = {x};
  NodeProto call;
  call.op_type = "f0";
  call.inputs = {"x"};
  call.outputs = {"y"};
  m.graph.nodes = {call};
  x.name = "y";
  m.graph.outputs = {x};
  try {
    import_graph(m);
    ADD_FAILURE() << "it was imported";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(words), std::string::npos) << e.what();
  }
}

TEST(OnnxDamage, functions_that_multiply_are_refused) {
  expect_refused(20, "more than 300000 nodes");
  expect_refused(40, "deeper than 32");
}

}  // namespace
}  // namespace andiron::io::onnx
