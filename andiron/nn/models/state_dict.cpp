#include "andiron/nn/models/state_dict.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>

#include "andiron/base/error.hpp"
#include "andiron/io/torch/archive.hpp"
#include "andiron/nn/model_file.hpp"

namespace andiron::nn::models {

namespace {

// "gamma" -> "weight"
std::string torch_weight(const std::string& weight) {
  static const std::pair<const char*, const char*> kNames[] = {
      {"kernel", "weight"},     {"gamma", "weight"},
      {"beta", "bias"},         {"moving_mean", "running_mean"},
      {"embeddings", "weight"}, {"moving_variance", "running_var"}};
  for (const auto& [ours, theirs] : kNames)
    if (weight == ours) return theirs;
  return weight;
}

// "blocks.0.bn1" -> "_blocks.0._bn1"
std::string underscored(const std::string& layer) {
  std::string out;
  bool start = true;
  for (char c : layer) {
    if (start && std::isdigit(static_cast<unsigned char>(c)) == 0) out += '_';
    start = c == '.';
    out += c;
  }
  return out;
}

/// How files name the weight of a layer.
struct Naming {
  const char* who;
  std::string (*name)(const std::string& layer, const std::string& weight);
  bool dense_transposed;  ///< [out, in]
};

constexpr Naming kNamings[] = {
    {"Andiron", [](const std::string& l, const std::string& w) { return l + "/" + w; }, false},
    // torchvision's: our layers have its names.
    {"PyTorch",
     [](const std::string& l, const std::string& w) { return l + "." + torch_weight(w); }, true},
    // Attributes with an underscore.
    {"efficientnet-lite-pytorch",
     [](const std::string& l, const std::string& w) {
       return underscored(l) + "." + torch_weight(w);
     },
     true}};

// Training loops save more than the weights, and wrappers put words before the names.
constexpr const char* kWrappers[] = {"",        "state_dict.",        "model_state_dict.", "model.",
                                     "module.", "state_dict.module.", "state_dict.model."};

/// One way to read a file: which tensor is which variable's.
struct Reading {
  const Naming* naming = nullptr;
  std::string wrapper;
  std::vector<std::string> names;  // for each variable
  size_t n_found = 0;
};

std::string name_in(const Naming& naming, const std::string& variable) {
  const size_t slash = variable.rfind('/');
  if (slash == std::string::npos) return variable;
  return naming.name(variable.substr(0, slash), variable.substr(slash + 1));
}

Reading best_reading(const std::vector<VariablePtr>& variables, const io::NamedTensors& tensors) {
  Reading best;
  for (const char* wrapper : kWrappers)
    for (const Naming& naming : kNamings) {
      Reading r{&naming, wrapper, {}, 0};
      for (const VariablePtr& v : variables) {
        r.names.push_back(wrapper + name_in(naming, v->name()));
        r.n_found += tensors.count(r.names.back());
      }
      if (best.naming == nullptr || r.n_found > best.n_found) best = std::move(r);
    }
  return best;
}

Tensor transposed(const Tensor& t) {
  return Tensor(t.buffer(), t.dtype(), {t.size(1), t.size(0)}, {t.strides()[1], t.strides()[0]},
                t.byte_offset());
}

// "a, b, c and 4 more"
std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i)
    out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kShown) out += fmt::format(" and {} more", names.size() - kShown);
  return out;
}

// Prefixes end in a dot; our own names have "/" before the weight.
bool starts_with_any(std::string name, const std::vector<std::string>& prefixes) {
  std::replace(name.begin(), name.end(), '/', '.');
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& p) { return name.starts_with(p); });
}

std::vector<std::string> unexpected(const Reading& reading, const io::NamedTensors& tensors,
                                    const std::vector<std::string>& unused) {
  const std::set<std::string> known(reading.names.begin(), reading.names.end());
  std::vector<std::string> out;
  for (const auto& [full, tensor] : tensors) {
    if (!full.starts_with(reading.wrapper) || known.count(full) > 0) continue;
    const std::string name = full.substr(reading.wrapper.size());
    // Counts of batches are for averages without a momentum.
    if (name.ends_with("num_batches_tracked") || starts_with_any(name, unused)) continue;
    out.push_back(name);
  }
  return out;
}

}  // namespace

namespace {

bool is_torch(const std::string& path) {
  char head[2] = {};
  std::ifstream(path, std::ios::binary).read(head, 2);
  return (head[0] == 'P' && head[1] == 'K') || head[0] == '\x80';
}

}  // namespace

Result<io::NamedTensors> read_weights(const std::string& path) {
  if (is_torch(path)) return io::read_torch(path);
  Result<io::TensorFile> file = io::read_safetensors(path);
  if (!file) return file.failure();
  return std::move(file.value().tensors);
}

void assign_weights(const FunctionalModel& model, const io::NamedTensors& tensors,
                    const std::string& file, const WeightOptions& options) {
  const std::vector<VariablePtr> variables = model.variables();
  const Reading reading = best_reading(variables, tensors);
  std::vector<std::string> missing, mismatched;
  std::vector<std::pair<VariablePtr, Tensor>> found;
  for (size_t i = 0; i < variables.size(); ++i) {
    const VariablePtr& v = variables[i];
    const std::string& name = reading.names[i];
    const auto at = tensors.find(name);
    if (at == tensors.end()) {
      missing.push_back(name);
      continue;
    }
    Tensor value = at->second;
    if (reading.naming->dense_transposed && value.rank() == 2 && v->name().ends_with("/kernel"))
      value = transposed(value);
    if (value.sizes() != v->value().sizes()) {
      mismatched.push_back(fmt::format("{} is {} in the file, {} in the model", name,
                                       str(at->second.sizes()), str(v->value().sizes())));
      continue;
    }
    found.emplace_back(v, value);
  }
  const std::vector<std::string> extra = unexpected(reading, tensors, options.unused);
  if (reading.n_found == 0)
    fail(
        "[load_weights] '{}' has none of the model's weights: it has {}; the model wants {} "
        "(PyTorch's names)",
        file, listed(unexpected({}, tensors, {})),
        variables.empty() ? "none" : name_in(kNamings[1], variables[0]->name()));
  if (!options.skip_mismatch && (!missing.empty() || !extra.empty() || !mismatched.empty())) {
    std::string words;
    auto add = [&](const char* what, const std::vector<std::string>& names) {
      if (!names.empty())
        words += fmt::format("{}{} {}", words.empty() ? "" : "; ", what, listed(names));
    };
    add("missing:", missing);
    add("unexpected:", extra);
    add("of another shape:", mismatched);
    fail("[load_weights] '{}' does not fit the model. {}. skip_mismatch=True takes the rest", file,
         words);
  }
  for (const auto& [variable, value] : found) variable->assign(value);
}

void load_weights(FunctionalModel& model, const std::string& path, const WeightOptions& options) {
  if (is_torch(path)) {
    assign_weights(model, io::read_torch(path).value_or_throw(), path, options);
    return;
  }
  const io::TensorFile file = io::read_safetensors(path).value_or_throw();
  // By order, as Keras does: layers may have other names there.
  const bool ours = file.metadata.count("andiron.model") > 0;
  if (ours && !options.skip_mismatch && options.unused.empty()) {
    model.set_weights(load_model(path).value_or_throw().model->weights());
    return;
  }
  assign_weights(model, file.tensors, path, options);
}

}  // namespace andiron::nn::models
