#include "andiron/ops/catalog.hpp"

#include "andiron/base/error.hpp"

// One line per op.
#define ANDIRON_FOR_EACH_OP(X)      \
  X(kAdd)                           \
  X(kSubtract)                      \
  X(kMultiply)                      \
  X(kDivide)                        \
  X(kMaximum)                       \
  X(kMinimum)                       \
  X(kPower)                         \
  X(kNegative)                      \
  X(kAbsolute)                      \
  X(kSign)                          \
  X(kExp)                           \
  X(kLog)                           \
  X(kLog1p)                         \
  X(kSqrt)                          \
  X(kRsqrt)                         \
  X(kSquare)                        \
  X(kReciprocal)                    \
  X(kClip)                          \
  X(kEqual)                         \
  X(kNotEqual)                      \
  X(kLess)                          \
  X(kLessEqual)                     \
  X(kGreater)                       \
  X(kGreaterEqual)                  \
  X(kLogicalAnd)                    \
  X(kLogicalOr)                     \
  X(kLogicalNot)                    \
  X(kWhere)                         \
  X(kStep)                          \
  X(kSigmoid)                       \
  X(kTanh)                          \
  X(kRelu)                          \
  X(kLeakyRelu)                     \
  X(kElu)                           \
  X(kGelu)                          \
  X(kGeluDerivative)                \
  X(kSoftplus)                      \
  X(kSoftmax)                       \
  X(kLogSoftmax)                    \
  X(kMatmul)                        \
  X(kSum)                           \
  X(kMax)                           \
  X(kMin)                           \
  X(kLogsumexp)                     \
  X(kArgmax)                        \
  X(kTopk)                          \
  X(kCountOf)                       \
  X(kReshape)                       \
  X(kTranspose)                     \
  X(kBroadcastTo)                   \
  X(kConcat)                        \
  X(kSplit)                         \
  X(kSlice)                         \
  X(kPad)                           \
  X(kGather)                        \
  X(kGatherGrad)                    \
  X(kOneHot)                        \
  X(kCast)                          \
  X(kStopGradient)                  \
  X(kRandomUniform)                 \
  X(kRandomNormal)                  \
  X(kSparseSoftmaxCrossEntropy)     \
  X(kSparseSoftmaxCrossEntropyGrad) \
  X(kSigmoidCrossEntropy)           \
  X(kEmbedding)                     \
  X(kEmbeddingBag)                  \
  X(kEmbeddingBagGradValues)        \
  X(kEmbeddingBagGradWeights)       \
  X(kRowSparse)                     \
  X(kEmbeddingGradDense)            \
  X(kDedup)                         \
  X(kSumSegments)                   \
  X(kHashCross)                     \
  X(kSgdUpdate)                     \
  X(kSgdUpdateRows)                 \
  X(kSgdCatchUp)                    \
  X(kSgdRecord)                     \
  X(kAdagradUpdate)                 \
  X(kAdagradUpdateRows)             \
  X(kAdagradCatchUp)                \
  X(kAdagradRecord)                 \
  X(kRmsPropUpdate)                 \
  X(kRmsPropUpdateRows)             \
  X(kRmsPropCatchUp)                \
  X(kRmsPropRecord)                 \
  X(kAdamUpdate)                    \
  X(kAdamUpdateRows)                \
  X(kAdamCatchUp)                   \
  X(kAdamRecord)                    \
  X(kFtrlUpdate)                    \
  X(kFtrlUpdateRows)                \
  X(kFtrlCatchUp)                   \
  X(kFtrlRecord)

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
