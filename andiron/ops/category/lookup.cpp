#include <algorithm>
#include <bit>

#include "andiron/base/error.hpp"
#include "andiron/ops/category/category.hpp"
#include "andiron/ops/embedding/ids.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

void fail_lookup(int64_t position) {
  fail("[lookup] element {} is not in the vocabulary, which has no place for unknown ones",
       position);
}

LookupTable make_lookup_table(const std::vector<int64_t>& keys, const std::vector<int64_t>& ids) {
  ANDIRON_ASSERT(keys.size() == ids.size());
  // Half empty at least: two places are looked at on average.
  const auto m = static_cast<int64_t>(std::bit_ceil(2 * keys.size() + 2));
  LookupTable table = {Tensor::zeros(DType::i64, {m}), Tensor(DType::i64, {m})};
  auto* place_keys = table.keys.data<int64_t>();
  auto* place_ids = table.ids.data<int64_t>();
  std::fill_n(place_ids, m, kNoEntry);
  const auto mask = static_cast<uint64_t>(m - 1);
  for (size_t i = 0; i < keys.size(); ++i) {
    uint64_t place = lookup_place(keys[i], mask);
    while (place_ids[place] != kNoEntry) place = (place + 1) & mask;
    place_keys[place] = keys[i];
    place_ids[place] = ids[i];
  }
  return table;
}

extern const Op kLookup = {
    .name = "lookup",
    .summary = "The ids of integers, or of texts as fingerprints, in a hash table.",
    .formula = "dst = the id of x's key, or missing",
    .inputs = {{"x", "int32 or int64, any shape"},
               {"keys", "[m] int64, m a power of two: open addressing, made by the layers"},
               {"ids", "[m] int64; the least int64 marks an empty place"}},
    .attributes = {{"missing", int64_t{-1}, "the id of what is not there"},
                   {"strict", false, "whether what is not there is an error"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_ids(c, 0);
      for (size_t i = 1; i < 3; ++i)
        if (c.in(i).dtype != DType::i64 || c.shape(i).rank() != 1 || c.shape(i) != c.shape(1))
          fail("[lookup] keys and ids must be int64 of one size; got {} and {}", str(c.in(1)),
               str(c.in(2)));
      const Dim m = c.shape(1)[0];
      if (m.known() && !std::has_single_bit(static_cast<uint64_t>(m.size())))
        fail("[lookup] the table's size must be a power of two; got {}", m.str());
      return {{DType::i64, c.shape(0)}};
    },
    .why_not_differentiable = "its result is an integer",
    .reference =
        [](const ReferenceContext& c) {
          const auto mask = static_cast<uint64_t>(c.src[1].count() - 1);
          const int64_t missing = c.attr<int64_t>("missing");
          const bool strict = c.attr<bool>("strict");
          visit_ids(c.src[0].dtype(), c.src[0].raw(), [&](const auto* x) {
            for (int64_t i = 0; i < c.dst[0].count(); ++i) {
              const int64_t id = find_id(c.src[1].data<int64_t>(), c.src[2].data<int64_t>(), mask,
                                         static_cast<int64_t>(x[i]));
              if (id == kNoEntry && strict) fail_lookup(i);
              c.dst[0].data<int64_t>()[i] = id == kNoEntry ? missing : id;
            }
          });
        },
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          const bool fixed = in[1] == BatchKind::fixed && in[2] == BatchKind::fixed;
          return fixed ? in[0] : BatchKind::blocked;
        },
    .cases = {{{"i64[20]@0:30", "i64[16]@0:30", "i64[16]@0:99"}},
              {{"i32[5,2]@0:4", "i64[4]@0:4", "i64[4]@5:9"}, {{"missing", int64_t{7}}}},
              {{"i64[0]", "i64[2]@0:4", "i64[2]@5:9"}, {{"strict", true}}}},
};

Value lookup(const Value& x, const Value& keys, const Value& ids, int64_t missing, bool strict) {
  return make_value(kLookup, {x, keys, ids}, {{"missing", missing}, {"strict", strict}});
}

}  // namespace andiron::ops
