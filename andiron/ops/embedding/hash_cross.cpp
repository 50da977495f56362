#include "andiron/ops/embedding/hash_cross.hpp"

#include "andiron/base/philox.hpp"
#include "andiron/ops/embedding/ids.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

void reference(const ReferenceContext& c) {
  const int64_t buckets = c.attr<int64_t>("buckets");
  const auto seed = static_cast<uint64_t>(c.attr<int64_t>("seed"));
  for (int64_t i = 0; i < c.dst[0].count(); ++i) {
    uint64_t hash = seed;
    for (const Tensor& column : c.src)
      visit_ids(column.dtype(), column.raw(), [&](const auto* x) {
        hash = mix_key(hash, static_cast<uint64_t>(static_cast<int64_t>(x[i])));
      });
    c.dst[0].data<int32_t>()[i] = bucket_of(hash, buckets);
  }
}

}  // namespace

extern const Op kHashCross = {
    .name = "hash_cross",
    .summary = "Crosses integer columns and hashes each combination to a bucket; stable on disk.",
    .formula =
        "h = seed; h = mix(h, column[i]) for each column; dst[i] = floor(h * buckets / 2^64)",
    .reference_source = "mix: SplitMix64's finalizer (Steele, Lea and Flood, OOPSLA 2014)",
    .inputs = {{"columns", "int32 or int64, all of one shape; their order counts", false, true}},
    .attributes = {{"buckets", {}, "number of buckets", int64_t{1}},
                   {"seed", int64_t{0}, "other seeds give other, independent hashes"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (c.n() == 0) fail("[hash_cross] takes at least one column");
      for (size_t i = 0; i < c.n(); ++i) {
        check_ids(c, i);
        if (c.shape(i) != c.shape(0))
          fail("[hash_cross] columns must have one shape; got {} and {}", c.shape(0).str(),
               c.shape(i).str());
      }
      const int64_t buckets = c.attr<int64_t>("buckets");
      if (buckets < 1 || buckets > INT32_MAX)
        fail("[hash_cross] buckets must lie in [1, 2^31); got {}", buckets);
      return {{DType::i32, c.shape(0)}};
    },
    .why_not_differentiable = "its result is an integer",
    .reference = reference,
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          for (BatchKind kind : in)
            if (kind != BatchKind::rows) return BatchKind::blocked;
          return BatchKind::rows;
        },
    .cases = {{{"i32[50]@0:9", "i64[50]@0:9"}, {{"buckets", int64_t{100}}}},
              {{"i32[7]@-5:9"}, {{"buckets", int64_t{10}}, {"seed", int64_t{3}}}},
              {{"i32[4,2]@0:9", "i32[4,2]@0:9", "i64[4,2]@0:9"}, {{"buckets", int64_t{10000}}}},
              {{"i32[0]@0:9"}, {{"buckets", int64_t{10}}}}},
};

Value hash_cross(const std::vector<Value>& columns, int64_t buckets, int64_t seed) {
  return make_value(kHashCross, columns, {{"buckets", buckets}, {"seed", seed}});
}

}  // namespace andiron::ops
