#include "andiron/ops/catalog.hpp"

#include "andiron/base/error.hpp"

namespace andiron::ops {

#define ANDIRON_OP(op) extern const Op op;
#include "andiron/ops/catalog.def"
#undef ANDIRON_OP

std::span<const Op* const> catalog() {
  static const Op* const ops[] = {
      &kInputOp,
      &kConstantOp,
      &kVariableOp,
#define ANDIRON_OP(op) &op,
#include "andiron/ops/catalog.def"
#undef ANDIRON_OP
  };
  return ops;
}

const Op& find(std::string_view name) {
  for (const Op* op : catalog())
    if (op->name == name) return *op;
  fail("there is no op named '{}'", name);
}

}  // namespace andiron::ops
