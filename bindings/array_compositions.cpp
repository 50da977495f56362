#include "andiron/ops/arrays.hpp"
#include "bindings/compositions.hpp"

namespace andiron::bindings {

using Json = nlohmann::json;
using Values = std::vector<Value>;

namespace {

template <Value (*f)(const Value&)>
Values of_one(const Values& x, const Json&) {
  return {f(x.at(0))};
}

template <Value (*f)(const Value&, const Value&)>
Values of_two(const Values& x, const Json&) {
  return {f(x.at(0), x.at(1))};
}

template <Value (*f)(const Value&, std::vector<int64_t>, bool)>
Values reduction(const Values& x, const Json& a) {
  return {f(x.at(0), ints_of(a, "axes"), a.at("keepdims"))};
}

}  // namespace

const Compositions& array_compositions() {
  static const Compositions table = {
      {"isfinite", of_one<ops::isfinite>},
      {"isinf", of_one<ops::isinf>},
      {"isnan", of_one<ops::isnan>},
      {"floor_divide", of_two<ops::floor_divide>},
      {"hypot", of_two<ops::hypot>},
      {"logical_xor", of_two<ops::logical_xor>},
      {"mod", of_two<ops::mod>},
      {"all", reduction<ops::all>},
      {"any", reduction<ops::any>},
      {"count_nonzero", reduction<ops::count_nonzero>},
      {"nan_to_num",
       [](const Values& x, const Json& a) -> Values {
         return {ops::nan_to_num(x.at(0), a.at("nan"), a.at("posinf"), a.at("neginf"))};
       }},
      {"var",
       [](const Values& x, const Json& a) -> Values {
         return {ops::variance(x.at(0), ints_of(a, "axes"), a.at("keepdims"), a.at("correction"))};
       }},
      {"std",
       [](const Values& x, const Json& a) -> Values {
         return {ops::standard_deviation(x.at(0), ints_of(a, "axes"), a.at("keepdims"),
                                         a.at("correction"))};
       }},
      {"argmin",
       [](const Values& x, const Json& a) -> Values {
         return {ops::argmin(x.at(0), a.at("axis"))};
       }},
      {"argsort",
       [](const Values& x, const Json& a) -> Values {
         return {ops::argsort(x.at(0), a.at("axis"), a.at("descending"))};
       }},
      {"quantile",
       [](const Values& x, const Json& a) -> Values {
         return {ops::quantile(x.at(0), a.at("q"), a.at("axis"), a.at("keepdims"))};
       }},
      {"median",
       [](const Values& x, const Json& a) -> Values {
         return {ops::median(x.at(0), a.at("axis"), a.at("keepdims"))};
       }},
      {"tile",
       [](const Values& x, const Json& a) -> Values {
         return {ops::tile(x.at(0), ints_of(a, "repeats"))};
       }},
      {"repeat",
       [](const Values& x, const Json& a) -> Values {
         return {ops::repeat(x.at(0), a.at("repeats"), a.at("axis"))};
       }},
      {"roll",
       [](const Values& x, const Json& a) -> Values {
         return {ops::roll(x.at(0), ints_of(a, "shift"), ints_of(a, "axes"))};
       }},
      {"flip",
       [](const Values& x, const Json& a) -> Values {
         return {ops::flip(x.at(0), ints_of(a, "axes"))};
       }},
      {"stack",
       [](const Values& x, const Json& a) -> Values { return {ops::stack(x, a.at("axis"))}; }},
      {"unstack",
       [](const Values& x, const Json& a) -> Values {
         return ops::unstack(x.at(0), a.at("axis"));
       }},
      {"swapaxes",
       [](const Values& x, const Json& a) -> Values {
         return {ops::swapaxes(x.at(0), a.at("a"), a.at("b"))};
       }},
      {"moveaxis",
       [](const Values& x, const Json& a) -> Values {
         return {ops::moveaxis(x.at(0), ints_of(a, "source"), ints_of(a, "destination"))};
       }},
      {"tril",
       [](const Values& x, const Json& a) -> Values {
         return {ops::tril(x.at(0), a.at("diagonal"))};
       }},
      {"triu",
       [](const Values& x, const Json& a) -> Values {
         return {ops::triu(x.at(0), a.at("diagonal"))};
       }},
      {"scatter",
       [](const Values& x, const Json& a) -> Values {
         return {ops::scatter(x.at(0), x.at(1), Shape(ints_of(a, "shape")))};
       }},
      {"scatter_update",
       [](const Values& x, const Json&) -> Values {
         return {ops::scatter_update(x.at(0), x.at(1), x.at(2))};
       }},
      {"scatter_add",
       [](const Values& x, const Json&) -> Values {
         return {ops::scatter_add(x.at(0), x.at(1), x.at(2))};
       }},
      {"einsum",
       [](const Values& x, const Json& a) -> Values {
         return {ops::einsum(a.at("equation").get<std::string>(), x)};
       }},
  };
  return table;
}

}  // namespace andiron::bindings
