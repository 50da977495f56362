#include "andiron/ops/ops.hpp"
#include "bindings/compositions.hpp"

namespace andiron::bindings {

using Json = nlohmann::json;
using Values = std::vector<Value>;

const Compositions& image_compositions() {
  static const Compositions table = {
      {"conv_transpose",
       [](const Values& x, const Json& a) -> Values {
         return {ops::conv_transpose(x.at(0), x.at(1), x.at(2),
                                     {.strides = ints_of(a, "strides"),
                                      .dilations = ints_of(a, "dilations"),
                                      .groups = a.at("groups"),
                                      .padding = a.at("padding"),
                                      .pads_begin = ints_of(a, "pads_begin"),
                                      .pads_end = ints_of(a, "pads_end")},
                                     ints_of(a, "output_padding"))};
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
         return {ops::adaptive_avg_pool(x.at(0), ints_of(a, "output_size"))};
       }},
      {"adaptive_max_pool",
       [](const Values& x, const Json& a) -> Values {
         return {ops::adaptive_max_pool(x.at(0), ints_of(a, "output_size"))};
       }},
      {"resize",
       [](const Values& x, const Json& a) -> Values {
         ops::ResizeOptions o{.mode = a.at("mode"),
                              .coordinates = a.at("coordinates"),
                              .rounding = a.at("rounding"),
                              .antialias = a.at("antialias")};
         if (!a.at("scales").is_null()) o.scales = a.at("scales").get<std::vector<double>>();
         return {ops::resize(x.at(0), ints_of(a, "sizes"), o)};
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
         return {ops::pad_edges(x.at(0), ints_of(a, "low"), ints_of(a, "high"), a.at("mode"))};
       }},
  };
  return table;
}

}  // namespace andiron::bindings
