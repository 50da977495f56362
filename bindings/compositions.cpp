#include "bindings/compositions.hpp"

#include "andiron/base/error.hpp"
#include "bindings/convert.hpp"
#include "bindings/json.hpp"

namespace andiron::bindings {

namespace {

const Composition* find(const std::string& name) {
  for (const Compositions* table : {&image_compositions(), &activation_compositions(),
                                    &array_compositions(), &normalization_compositions()})
    if (const auto it = table->find(name); it != table->end()) return &it->second;
  return nullptr;
}

}  // namespace

std::vector<int64_t> ints_of(const nlohmann::json& arguments, const char* name) {
  const nlohmann::json& value = arguments.at(name);
  if (value.is_null()) return {};
  return value.is_array() ? value.get<std::vector<int64_t>>()
                          : std::vector<int64_t>{value.get<int64_t>()};
}

void bind_compositions(nb::module_& m) {
  m.def(
      "compose",
      [](const std::string& name, nb::handle values, nb::handle arguments) {
        const Composition* composition = find(name);
        if (composition == nullptr) fail("[compose] there is no '{}'", name);
        std::vector<Value> x;
        for (nb::handle v : values) x.push_back(v.is_none() ? Value() : value_from(v));
        try {
          return (*composition)(x, json_from(arguments));
        } catch (const nlohmann::json::exception& e) {
          fail("[{}] an argument has the wrong type: {}", name, e.what());
        }
      },
      nb::arg("name"), nb::arg("values"), nb::arg("arguments"),
      "Calls a composition of ops by name: a list of values.");
}

}  // namespace andiron::bindings
