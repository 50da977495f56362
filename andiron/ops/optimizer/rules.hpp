#pragma once

#include <string_view>

#include "andiron/ops/optimizer/adadelta.hpp"
#include "andiron/ops/optimizer/adagrad.hpp"
#include "andiron/ops/optimizer/adam.hpp"
#include "andiron/ops/optimizer/adamax.hpp"
#include "andiron/ops/optimizer/ftrl.hpp"
#include "andiron/ops/optimizer/lion.hpp"
#include "andiron/ops/optimizer/nadam.hpp"
#include "andiron/ops/optimizer/rmsprop.hpp"
#include "andiron/ops/optimizer/rprop.hpp"
#include "andiron/ops/optimizer/sgd.hpp"

namespace andiron::ops {

/// Calls f.operator()<R>() for the rule of this name; whether there is one.
template <class F>
bool visit_rule(std::string_view name, F&& f) {
  const auto one = [&]<class R>() {
    if (name == R::kName) f.template operator()<R>();
    return name == R::kName;
  };
  return one.template operator()<Adadelta>() || one.template operator()<Adagrad>() ||
         one.template operator()<Adam>() || one.template operator()<Adamax>() ||
         one.template operator()<Ftrl>() || one.template operator()<Lion>() ||
         one.template operator()<Nadam>() || one.template operator()<RmsProp>() ||
         one.template operator()<Rprop>() || one.template operator()<Sgd>();
}

}  // namespace andiron::ops
