#include "andiron/nn/graph_config.hpp"

#include <cstring>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/io/graph_json.hpp"

namespace andiron::nn {

namespace {

using Json = nlohmann::json;

// Constants of layers and losses are small (scalars, offsets): they stand in the JSON as their
// little-endian bytes in hex, which is exact.
std::string hex(const Tensor& tensor) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const Tensor dense = tensor.contiguous();
  const auto* bytes = dense.data<uint8_t>();
  std::string out;
  for (size_t i = 0; i < dense.n_bytes(); ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  fail("[graph] a constant's bytes are not hexadecimal");
}

Sizes checked_sizes(const Json& sizes) {
  Sizes out = sizes.get<Sizes>();
  int64_t count = 1;
  for (int64_t size : out)
    if (size < 0 || __builtin_mul_overflow(count, size, &count))
      fail("[graph] sizes {} are not possible", str(out));
  return out;
}

Tensor from_hex(const Json& config) {
  const DType dtype = parse_dtype(config.at("dtype").get<std::string>());
  const Sizes sizes = checked_sizes(config.at("shape"));
  const auto& text = config.at("bytes").get_ref<const std::string&>();
  if (text.size() / 2 / size_of(dtype) != static_cast<size_t>(count_of(sizes)) ||
      text.size() != 2 * size_of(dtype) * static_cast<size_t>(count_of(sizes)))
    fail("[graph] a constant {} has {} hexadecimal digits", str(sizes), text.size());
  Tensor out(dtype, sizes);
  auto* bytes = out.data<uint8_t>();
  for (size_t i = 0; i < text.size(); i += 2)
    bytes[i / 2] = static_cast<uint8_t>(digit(text[i]) * 16 + digit(text[i + 1]));
  if (dtype == DType::boolean)
    for (size_t i = 0; i < out.n_bytes(); ++i)
      if (bytes[i] > 1) fail("[graph] a bool constant holds {}", bytes[i]);
  return out;
}

}  // namespace

Json variables_config(const std::vector<VariablePtr>& variables) {
  Json out = Json::array();
  for (const VariablePtr& v : variables)
    out.push_back({{"name", v->name()},
                   {"dtype", name_of(v->value().dtype())},
                   {"shape", v->value().sizes()},
                   {"trainable", v->trainable()}});
  return out;
}

std::vector<VariablePtr> variables_from_config(const Json& config) {
  std::vector<VariablePtr> out;
  for (const Json& v : config)
    out.push_back(std::make_shared<Variable>(
        v.at("name").get<std::string>(),
        Tensor::zeros(parse_dtype(v.at("dtype").get<std::string>()), checked_sizes(v.at("shape"))),
        v.at("trainable").get<bool>()));
  return out;
}

Json graph_config(const Graph& graph) {
  std::vector<Tensor> constants;
  Json out = io::graph_to_json(graph, constants);
  Json list = Json::array();
  for (const Tensor& t : constants)
    list.push_back({{"dtype", name_of(t.dtype())}, {"shape", t.sizes()}, {"bytes", hex(t)}});
  out["constants"] = std::move(list);
  return out;
}

Graph graph_from_config(const Json& config, const std::vector<VariablePtr>& variables) {
  std::vector<Tensor> constants;
  for (const Json& t : config.at("constants")) constants.push_back(from_hex(t));
  Json graph = config;
  graph.erase("constants");
  return io::graph_from_json(graph, constants, [&](const std::string& name) -> VariablePtr {
    for (const VariablePtr& v : variables)
      if (v->name() == name) return v;
    return nullptr;
  });
}

}  // namespace andiron::nn
