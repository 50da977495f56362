#include "andiron/ops/catalog.hpp"

#include "andiron/base/error.hpp"

// One line per op.
#define ANDIRON_FOR_EACH_OP(X) \
  X(kAdd)                      \
  X(kMultiply)                 \
  X(kStep)                     \
  X(kRelu)                     \
  X(kMatmul)                   \
  X(kSum)                      \
  X(kCountOf)                  \
  X(kReshape)                  \
  X(kBroadcastTo)              \
  X(kEmbedding)                \
  X(kEmbeddingBag)             \
  X(kEmbeddingBagGradValues)   \
  X(kEmbeddingBagGradWeights)  \
  X(kRowSparse)                \
  X(kEmbeddingGradDense)       \
  X(kDedup)                    \
  X(kSumSegments)              \
  X(kHashCross)

namespace andiron::ops {

#define ANDIRON_DECLARE(op) extern const Op op;
ANDIRON_FOR_EACH_OP(ANDIRON_DECLARE)
#undef ANDIRON_DECLARE

std::span<const Op* const> catalog() {
#define ANDIRON_ADDRESS(op) &op,
  static const Op* const ops[] = {&kInputOp, &kConstantOp, &kVariableOp,
                                  ANDIRON_FOR_EACH_OP(ANDIRON_ADDRESS)};
#undef ANDIRON_ADDRESS
  return ops;
}

const Op& find(std::string_view name) {
  for (const Op* op : catalog())
    if (op->name == name) return *op;
  fail("there is no op named '{}'", name);
}

}  // namespace andiron::ops
