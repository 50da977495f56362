#include "andiron/io/graph_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/io/dim_text.hpp"
#include "andiron/io/json_text.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::io {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct Fixture {
  VariablePtr w = std::make_shared<Variable>("dense/kernel", Tensor::zeros(DType::f32, {3, 4}));
  Graph graph;
  std::vector<Tensor> constants;

  Fixture() {
    const Value x = input("x", DType::f32, {Dim::symbol("batch"), 3});
    const Value unused = input("unused", DType::i64, {Dim::symbol("batch") * 2, Dim::symbol("t")});
    const Value bias = constant(Tensor::from<float>({1, 2, 3, 4}, {4}));
    NameScope scope("dense");
    const Value y = ops::relu(ops::add(ops::matmul(x, read(w)), bias));
    const Value total = ops::clip(ops::sum(y, {0, 1}), -INFINITY, 1e300);
    graph = Graph({x, unused}, {y, total, ops::reshape(y, {Dim::symbol("batch") * 4})},
                  {{w, ops::multiply(read(w), constant(0.5))}});
  }
  VariablePtr find(const std::string& name) const { return name == w->name() ? w : nullptr; }
  Graph load(const json& saved) const {
    return graph_from_json(saved, constants, [&](const std::string& n) { return find(n); });
  }
  std::string error(const json& saved) const {
    try {
      load(saved);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }
};

TEST(GraphJson, a_graph_survives_text) {
  Fixture f;
  const std::string text = graph_to_json(f.graph, f.constants).dump();
  EXPECT_EQ(f.constants.size(), 2U);
  const Graph back = f.load(parse_json(text));
  EXPECT_EQ(back.print(), f.graph.print());
  EXPECT_EQ(back.inputs().size(), 2U);
  EXPECT_EQ(back.inputs()[1].shape().str(), "[2*batch,t]");
  EXPECT_EQ(back.updates()[0].variable, f.w);
  // bound to a size, both infer the same
  EXPECT_EQ(bind_sizes(back, {{"batch", 5}, {"t", 2}}).print(),
            bind_sizes(f.graph, {{"batch", 5}, {"t", 2}}).print());
  std::vector<Tensor> again;
  EXPECT_EQ(graph_to_json(back, again).dump(), text);
}

TEST(GraphJson, each_mistake_is_named_with_its_place) {
  Fixture f;
  const json good = graph_to_json(f.graph, f.constants);
  size_t matmul = 0;
  while (good["nodes"][matmul]["op"] != "matmul") ++matmul;
  const std::string place = "[graph] nodes[" + std::to_string(matmul) + "]";
  auto broken = [&](auto change) {
    json bad = good;
    change(bad, bad["nodes"][matmul]);
    return f.error(bad);
  };
  EXPECT_EQ(f.error(good), "no error");
  EXPECT_THAT(broken([](json&, json& n) { n["op"] = "magic"; }), HasSubstr(place));
  EXPECT_THAT(broken([](json&, json& n) { n["op"] = "magic"; }), HasSubstr("magic"));
  // What reads and writes memory where its inputs say, unchecked.
  for (const Op* op : ops::catalog())
    for (const std::string end : {"sum_segments", "occurring_places", "occurring_rows",
                                  "_update_rows", "_catch_up", "_record"})
      if (op->name.ends_with(end)) {
        EXPECT_THAT(broken([&](json&, json& n) { n["op"] = op->name; }),
                    HasSubstr(op->name + " stands in no file"));
      }
  EXPECT_THAT(broken([&](json&, json& n) { n["inputs"][0] = {matmul, 0}; }), HasSubstr("a cycle?"));
  EXPECT_THAT(broken([](json&, json& n) { n["inputs"][0] = {0, 1}; }), HasSubstr("output 1 of"));
  EXPECT_THAT(broken([](json&, json& n) { n["inputs"][0] = {-1, 0}; }), HasSubstr("node -1"));
  EXPECT_THAT(broken([](json&, json& n) { n["inputs"][0] = 7; }), HasSubstr("[node, output]"));
  EXPECT_THAT(broken([](json&, json& n) { n["inputs"].erase(1); }), HasSubstr("takes 2 inputs"));
  EXPECT_THAT(broken([](json&, json& n) { n["attributes"]["transpose_a"] = 1; }),
              HasSubstr("'transpose_a': 1 is not true or false"));
  EXPECT_THAT(broken([](json&, json& n) { n["attributes"]["extra"] = 1; }),
              HasSubstr("no attribute 'extra'"));
  EXPECT_THAT(broken([](json&, json& n) { n["attributes"]["transpose_a"] = true; }),
              HasSubstr("[matmul]"));
  EXPECT_THAT(broken([](json&, json& n) { n["outputs"][0] = "float32[batch,5]"; }),
              HasSubstr("recorded is \"float32[batch,5]\""));
  EXPECT_THAT(broken([](json& g, json&) {
                g["outputs"][0] = {1000, 0};
              }),
              HasSubstr("outputs[0]: refers to node 1000"));
  EXPECT_THAT(broken([](json& g, json&) { g["updates"][0]["variable"] = "w2"; }),
              HasSubstr("no variable named \"w2\""));
  EXPECT_THAT(broken([](json& g, json&) { g["inputs"].erase(0); }), HasSubstr("placeholder 'x'"));
  EXPECT_THAT(broken([](json& g, json&) { g["version"] = 2; }), HasSubstr("version 2"));
  EXPECT_THAT(broken([](json& g, json&) { g["format"] = "onnx"; }), HasSubstr("not a graph"));
  f.constants.pop_back();
  EXPECT_THAT(f.error(good), HasSubstr("constant 1 of 1"));
  EXPECT_THROW(parse_json("{\"a\":"), Error);
}

TEST(GraphJson, two_variables_of_one_name_cannot_be_saved) {
  const auto a = std::make_shared<Variable>("w", Tensor::scalar(1));
  const auto b = std::make_shared<Variable>("w", Tensor::scalar(2));
  std::vector<Tensor> constants;
  EXPECT_THROW(graph_to_json(Graph({}, {ops::add(read(a), read(b))}), constants), Error);
}

TEST(DimText, is_what_dims_print) {
  const Dim n = Dim::symbol("batch"), t = Dim::symbol("time");
  for (const Dim& d : {Dim(7), n, n * 2 + 3, n * t * -2 + t, (n + 1) * (t + 2)})
    EXPECT_TRUE(parse_dim(d.str()) == d) << d.str();
  for (const char* bad : {"", "+", "2**n", "n m", "2x", "-", "9999999999999999999", "a+",
                          "1099511627776*1099511627776"})
    EXPECT_THROW(parse_dim(bad), Error) << bad;
}

// Puts something wrong in a random place of a JSON value.
void mutate(json& value, std::mt19937& random, int depth = 0) {
  static const json strange[] = {nullptr,
                                 true,
                                 -1,
                                 0,
                                 3,
                                 1e300,
                                 "",
                                 "matmul",
                                 "batch",
                                 "2*batch",
                                 INT64_MAX,
                                 UINT64_MAX,
                                 json::array(),
                                 json::object(),
                                 {0, 0},
                                 {5, 0},
                                 {1 << 20, 1 << 20},
                                 "\xFF",
                                 "nan"};
  const bool inside = (value.is_array() || value.is_object()) && !value.empty();
  if (inside && random() % 8 != 0 && depth < 20) {
    auto at = value.begin();
    std::advance(at, random() % value.size());
    if (random() % 12 == 0) {
      value.erase(at);
    } else if (value.is_array() && random() % 12 == 0) {
      value.push_back(value[random() % value.size()]);
    } else {
      mutate(*at, random, depth + 1);
    }
    return;
  }
  value = strange[random() % std::size(strange)];
}

TEST(GraphJson, mutated_json_is_a_graph_or_an_error) {
  Fixture f;
  const json good = graph_to_json(f.graph, f.constants);
  std::mt19937 random(7);
  int errors = 0;
  for (int i = 0; i < 4000; ++i) {
    json bad = good;
    const int n = 1 + static_cast<int>(random() % 3);
    for (int k = 0; k < n; ++k) mutate(bad, random);
    try {
      f.load(bad).print();
    } catch (const Error& e) {
      ++errors;
      EXPECT_THAT(e.what(), HasSubstr("["));
    }
  }
  EXPECT_GT(errors, 2000);
}

}  // namespace
}  // namespace andiron::io
