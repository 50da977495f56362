#include "andiron/ops/normalize.hpp"
#include "bindings/compositions.hpp"

namespace andiron::bindings {

using Json = nlohmann::json;
using Values = std::vector<Value>;

const Compositions& normalization_compositions() {
  static const Compositions table = {
      {"layer_normalization",
       [](const Values& x, const Json& a) -> Values {
         return {ops::layer_normalization(x.at(0), x.at(1), x.at(2), ints_of(a, "axes"),
                                          a.at("epsilon"))};
       }},
      {"rms_normalization",
       [](const Values& x, const Json& a) -> Values {
         return {ops::rms_normalization(x.at(0), x.at(1), ints_of(a, "axes"), a.at("epsilon"))};
       }},
      {"group_normalization",
       [](const Values& x, const Json& a) -> Values {
         return {ops::group_normalization(x.at(0), a.at("groups"), x.at(1), x.at(2),
                                          a.at("epsilon"), a.at("axis"))};
       }},
      {"instance_normalization",
       [](const Values& x, const Json& a) -> Values {
         return {
             ops::instance_normalization(x.at(0), x.at(1), x.at(2), a.at("epsilon"), a.at("axis"))};
       }},
      {"normalize",
       [](const Values& x, const Json& a) -> Values {
         return {ops::normalize(x.at(0), ints_of(a, "axes"), a.at("order"), a.at("epsilon"))};
       }},
      {"norm",
       [](const Values& x, const Json& a) -> Values {
         return {ops::norm(x.at(0), a.at("order"), ints_of(a, "axes"), a.at("keepdims"))};
       }},
  };
  return table;
}

}  // namespace andiron::bindings
