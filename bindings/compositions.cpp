#include "bindings/compositions.hpp"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"
#include "bindings/convert.hpp"
#include "bindings/json.hpp"

namespace andiron::bindings {

namespace {

using Json = nlohmann::json;
using Ints = std::vector<int64_t>;
using Values = std::vector<Value>;

Ints ints(const Json& a, const char* name) {
  const Json& value = a.at(name);
  if (value.is_null()) return {};
  return value.is_array() ? value.get<Ints>() : Ints{value.get<int64_t>()};
}

const std::map<std::string, std::function<Values(const Values&, const Json&)>> kCompositions = {
    {"conv_transpose",
     [](const Values& x, const Json& a) -> Values {
       return {ops::conv_transpose(x.at(0), x.at(1), x.at(2),
                                   {.strides = ints(a, "strides"),
                                    .dilations = ints(a, "dilations"),
                                    .groups = a.at("groups"),
                                    .padding = a.at("padding"),
                                    .pads_begin = ints(a, "pads_begin"),
                                    .pads_end = ints(a, "pads_end")},
                                   ints(a, "output_padding"))};
     }},
    {"batch_norm",
     [](const Values& x, const Json& a) {
       return ops::batch_norm(x.at(0), x.at(1), x.at(2), a.at("epsilon"), a.at("axis"));
     }},
    {"batch_norm_inference",
     [](const Values& x, const Json& a) -> Values {
       return {ops::batch_norm_inference(x.at(0), x.at(1), x.at(2), x.at(3), x.at(4),
                                         a.at("epsilon"), a.at("axis"))};
     }},
    {"adaptive_avg_pool",
     [](const Values& x, const Json& a) -> Values {
       return {ops::adaptive_avg_pool(x.at(0), ints(a, "output_size"))};
     }},
    {"adaptive_max_pool",
     [](const Values& x, const Json& a) -> Values {
       return {ops::adaptive_max_pool(x.at(0), ints(a, "output_size"))};
     }},
    {"resize",
     [](const Values& x, const Json& a) -> Values {
       ops::ResizeOptions o{.mode = a.at("mode"),
                            .coordinates = a.at("coordinates"),
                            .rounding = a.at("rounding"),
                            .antialias = a.at("antialias")};
       if (!a.at("scales").is_null()) o.scales = a.at("scales").get<std::vector<double>>();
       return {ops::resize(x.at(0), ints(a, "sizes"), o)};
     }},
    {"pixel_shuffle",
     [](const Values& x, const Json& a) -> Values {
       return {ops::pixel_shuffle(x.at(0), a.at("factor"))};
     }},
    {"channel_shuffle",
     [](const Values& x, const Json& a) -> Values {
       return {ops::channel_shuffle(x.at(0), a.at("groups"))};
     }},
    {"pad_edges",
     [](const Values& x, const Json& a) -> Values {
       return {ops::pad_edges(x.at(0), ints(a, "low"), ints(a, "high"), a.at("mode"))};
     }},
};

}  // namespace

void bind_compositions(nb::module_& m) {
  m.def(
      "compose",
      [](const std::string& name, nb::handle values, nb::handle arguments) {
        const auto it = kCompositions.find(name);
        if (it == kCompositions.end()) fail("[compose] there is no '{}'", name);
        Values x;
        for (nb::handle v : values) x.push_back(v.is_none() ? Value() : value_from(v));
        try {
          return it->second(x, json_from(arguments));
        } catch (const Json::exception& e) {
          fail("[{}] an argument has the wrong type: {}", name, e.what());
        }
      },
      nb::arg("name"), nb::arg("values"), nb::arg("arguments"),
      "Calls a composition of ops by name: a list of values.");
}

}  // namespace andiron::bindings
