#include "andiron/ops/activations.hpp"
#include "bindings/compositions.hpp"

namespace andiron::bindings {

using Json = nlohmann::json;
using Values = std::vector<Value>;

namespace {

template <Value (*f)(const Value&)>
Values of_one(const Values& x, const Json&) {
  return {f(x.at(0))};
}

}  // namespace

const Compositions& activation_compositions() {
  static const Compositions table = {
      {"hard_sigmoid", of_one<ops::hard_sigmoid>},
      {"hard_silu", of_one<ops::hard_silu>},
      {"hard_tanh", of_one<ops::hard_tanh>},
      {"log_sigmoid", of_one<ops::log_sigmoid>},
      {"mish", of_one<ops::mish>},
      {"relu6", of_one<ops::relu6>},
      {"selu", of_one<ops::selu>},
      {"silu", of_one<ops::silu>},
      {"softsign", of_one<ops::softsign>},
      {"sparse_plus", of_one<ops::sparse_plus>},
      {"sparse_sigmoid", of_one<ops::sparse_sigmoid>},
      {"tanh_shrink", of_one<ops::tanh_shrink>},
      {"celu",
       [](const Values& x, const Json& a) -> Values {
         return {ops::celu(x.at(0), a.at("alpha"))};
       }},
      {"glu",
       [](const Values& x, const Json& a) -> Values { return {ops::glu(x.at(0), a.at("axis"))}; }},
      {"hard_shrink",
       [](const Values& x, const Json& a) -> Values {
         return {ops::hard_shrink(x.at(0), a.at("threshold"))};
       }},
      {"maxout",
       [](const Values& x, const Json& a) -> Values {
         return {ops::maxout(x.at(0), a.at("units"), a.at("axis"))};
       }},
      {"prelu",
       [](const Values& x, const Json&) -> Values { return {ops::prelu(x.at(0), x.at(1))}; }},
      {"soft_shrink",
       [](const Values& x, const Json& a) -> Values {
         return {ops::soft_shrink(x.at(0), a.at("threshold"))};
       }},
      {"sparsemax",
       [](const Values& x, const Json& a) -> Values {
         return {ops::sparsemax(x.at(0), a.at("axis"))};
       }},
      {"squareplus",
       [](const Values& x, const Json& a) -> Values {
         return {ops::squareplus(x.at(0), a.at("b"))};
       }},
      {"threshold",
       [](const Values& x, const Json& a) -> Values {
         return {ops::threshold(x.at(0), a.at("threshold"), a.at("value"))};
       }},
  };
  return table;
}

}  // namespace andiron::bindings
