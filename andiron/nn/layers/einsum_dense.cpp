#include "andiron/nn/layers/einsum_dense.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/activation.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

namespace {

bool has(const std::string& letters, char letter) {
  return letters.find(letter) != std::string::npos;
}

// Letters that the three operands may share, in groups: those of src and kernel alone are summed.
struct Groups {
  std::string shared, src, kernel, summed;
};

Groups grouped(const std::string& src, const std::string& kernel, const std::string& dst) {
  Groups g;
  for (char c : src) (!has(kernel, c) ? g.src : has(dst, c) ? g.shared : g.summed) += c;
  for (char c : kernel)
    if (!has(src, c)) g.kernel += c;
  return g;
}

std::vector<int64_t> places(const std::string& letters, const std::string& in) {
  std::vector<int64_t> out;
  for (char c : letters) out.push_back(static_cast<int64_t>(in.find(c)));
  return out;
}

}  // namespace

EinsumDenseLayer::EinsumDenseLayer(std::string equation, std::vector<int64_t> output_shape,
                                   EinsumDenseOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}),
      equation_(std::move(equation)),
      output_shape_(std::move(output_shape)),
      options_(std::move(options)) {
  std::erase(equation_, ' ');
  check_activation(options_.activation);
  (void)letters_for(-1);
}

// The letters of the equation; for an input of this rank "..." becomes digits. Rank -1: checks
// only.
EinsumDenseLayer::Letters EinsumDenseLayer::letters_for(int64_t rank) const {
  const size_t comma = equation_.find(','), arrow = equation_.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow)
    fail("[EinsumDense] equation must be like 'ab,bc->ac'; got '{}'", equation_);
  Letters l = {equation_.substr(0, comma), equation_.substr(comma + 1, arrow - comma - 1),
               equation_.substr(arrow + 2)};
  const size_t dots = l.src.find("..."), in_dst = l.dst.find("...");
  const bool open = dots != std::string::npos;
  bool good = open == (in_dst != std::string::npos) && !has(l.kernel, '.');
  if (good && open) {
    const int64_t n = rank - (static_cast<int64_t>(l.src.size()) - 3);
    std::string axes;
    for (int64_t i = 0; i < n; ++i) axes += static_cast<char>('0' + i);
    if (rank >= 0 && (n < 0 || n > 9))
      reject(fmt::format("'{}' does not fit an input of rank {}", equation_, rank));
    l.src.replace(dots, 3, axes);
    l.dst.replace(in_dst, 3, axes);
  }
  for (const std::string* letters : {&l.src, &l.kernel, &l.dst})
    for (size_t i = 0; good && i < letters->size(); ++i) {
      const char c = (*letters)[i];
      good = c != '.' && c != ',' && letters->find(c, i + 1) == std::string::npos &&
             has(l.src + l.kernel, c) && (letters != &l.src || has(l.kernel + l.dst, c)) &&
             (letters != &l.kernel || has(l.src + l.dst, c));
    }
  if (!good || l.kernel.empty())
    fail(
        "[EinsumDense] equation: each letter stands once in an operand and in two of the three at "
        "least; got '{}'",
        equation_);
  for (char c : options_.bias_axes)
    if (!has(l.dst, c))
      fail("[EinsumDense] bias_axes '{}' must be axes of the result of '{}'", options_.bias_axes,
           equation_);
  return l;
}

Json EinsumDenseLayer::config() const {
  Json config = Layer::config();
  config["equation"] = equation_;
  config["output_shape"] = output_shape_;
  config["activation"] = options_.activation.empty() ? "linear" : options_.activation;
  config["bias_axes"] = options_.bias_axes.empty() ? Json() : Json(options_.bias_axes);
  config["kernel_initializer"] = options_.kernel_initializer.config();
  config["bias_initializer"] = options_.bias_initializer.config();
  config["kernel_regularizer"] = options_.kernel_regularizer.config();
  config["bias_regularizer"] = options_.bias_regularizer.config();
  config["kernel_constraint"] = options_.kernel_constraint.config();
  config["bias_constraint"] = options_.bias_constraint.config();
  return config;
}

LayerPtr EinsumDenseLayer::from_config(const Json& config) {
  EinsumDenseOptions o;
  o.activation = config.value("activation", o.activation);
  if (config.contains("bias_axes") && !config.at("bias_axes").is_null())
    o.bias_axes = config.at("bias_axes").get<std::string>();
  if (config.contains("kernel_initializer"))
    o.kernel_initializer = Initializer::from_config(config.at("kernel_initializer"));
  if (config.contains("bias_initializer"))
    o.bias_initializer = Initializer::from_config(config.at("bias_initializer"));
  o.kernel_regularizer = Regularizer::from_config(config.value("kernel_regularizer", Json()));
  o.bias_regularizer = Regularizer::from_config(config.value("bias_regularizer", Json()));
  o.kernel_constraint = Constraint::from_config(config.value("kernel_constraint", Json()));
  o.bias_constraint = Constraint::from_config(config.value("bias_constraint", Json()));
  return std::make_shared<EinsumDenseLayer>(config.at("equation").get<std::string>(),
                                            config.at("output_shape").get<std::vector<int64_t>>(),
                                            o);
}

void EinsumDenseLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape;
  const Letters l = letters_for(shape.rank());
  if (static_cast<int64_t>(l.src.size()) != shape.rank())
    reject(fmt::format("'{}' does not fit an input {}", equation_, shape.str()));
  if (l.src.empty() || l.dst.empty() || l.dst[0] != l.src[0])
    reject(fmt::format("the first axis, the batch, must stay; got '{}'", equation_));
  // output_shape stands for the last axes of the result; what "..." adds in front is the input's.
  const size_t missing = l.dst.size() - std::min(l.dst.size(), output_shape_.size());
  if (output_shape_.size() >= l.dst.size())
    reject(fmt::format("output_shape has no batch: '{}' gives {} axes; got {}", equation_,
                       l.dst.size(), str(output_shape_)));
  std::map<char, int64_t> sizes;
  for (size_t i = 1; i < l.src.size(); ++i)
    if (shape[i].known()) sizes[l.src[i]] = shape[i].size();
  for (size_t i = missing; i < l.dst.size(); ++i) {
    const int64_t given = output_shape_[i - missing];
    if (given < 0) continue;
    const auto [at, added] = sizes.emplace(l.dst[i], given);
    if (!added && at->second != given)
      reject(fmt::format("output_shape {} and the input {} do not agree on '{}'",
                         str(output_shape_), shape.str(), l.dst[i]));
  }
  auto size_of = [&](char c) {
    const auto at = sizes.find(c);
    if (at == sizes.end())
      reject(fmt::format("the size of axis '{}' of '{}' is not known", c, equation_));
    return at->second;
  };
  Sizes kernel, bias;
  for (char c : l.kernel) kernel.push_back(size_of(c));
  kernel_ = add_weight("kernel", kernel, options_.kernel_initializer, options_.kernel_regularizer);
  constrain(kernel_, options_.kernel_constraint);
  if (options_.bias_axes.empty()) return;
  for (char c : l.dst) {
    if (has(options_.bias_axes, c))
      bias.push_back(size_of(c));
    else if (!bias.empty())
      bias.push_back(1);
  }
  bias_ = add_weight("bias", bias, options_.bias_initializer, options_.bias_regularizer);
  constrain(bias_, options_.bias_constraint);
}

std::vector<Value> EinsumDenseLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Value x = inputs[0].dtype() == DType::f32 ? inputs[0] : ops::cast(inputs[0], DType::f32);
  const Value kernel = read(kernel_);
  const Letters l = letters_for(x.rank());
  if (static_cast<int64_t>(l.src.size()) != x.rank())
    reject(fmt::format("'{}' does not fit an input {}", equation_, x.shape().str()));
  const Groups g = grouped(l.src, l.kernel, l.dst);
  std::map<char, Dim> sizes;
  for (size_t i = 0; i < l.kernel.size(); ++i) sizes[l.kernel[i]] = kernel.shape()[i];
  for (size_t i = 0; i < l.src.size(); ++i) {
    const auto at = sizes.find(l.src[i]);
    if (at != sizes.end() && !(at->second == x.shape()[i]))
      reject(fmt::format("was built for {} places on axis {}; got {}", at->second.str(), i,
                         x.shape().str()));
    sizes[l.src[i]] = x.shape()[i];
  }
  auto shape_of = [&](const std::string& letters) {
    Shape shape;
    for (char c : letters) shape.push_back(sizes.at(c));
    return shape;
  };
  auto matrices = [&](const Value& v, const std::string& letters, const std::string& rows,
                      const std::string& columns) {
    Shape shape = shape_of(g.shared);
    shape.push_back(shape_of(rows).count());
    shape.push_back(shape_of(columns).count());
    return ops::reshape(ops::transpose(v, places(g.shared + rows + columns, letters)), shape);
  };
  const Value product = ops::matmul(matrices(x, l.src, g.src, g.summed),
                                    matrices(kernel, l.kernel, g.summed, g.kernel));
  const std::string made = g.shared + g.src + g.kernel;
  Value y = ops::transpose(ops::reshape(product, shape_of(made)), places(l.dst, made));
  if (bias_) y = y + read(bias_);
  return {apply_activation(options_.activation, y)};
}

LayerRef EinsumDense(std::string equation, std::vector<int64_t> output_shape,
                     EinsumDenseOptions options) {
  return std::make_shared<EinsumDenseLayer>(std::move(equation), std::move(output_shape),
                                            std::move(options));
}

}  // namespace andiron::nn
