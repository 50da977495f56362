#include "andiron/ops/category/category.hpp"
#include "andiron/ops/embedding/ids.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

void check_bins(const InferContext& c, const char* op) {
  const int64_t bins = c.attr<int64_t>("bins");
  if (bins < 1) fail("[{}] bins must be positive; got {}", op, bins);
}

}  // namespace

BinHash bin_hash_from(const std::string& name) {
  if (name == "digits") return BinHash::digits;
  if (name == "fingerprint") return BinHash::fingerprint;
  if (name == "remainder") return BinHash::remainder;
  fail("[hash_bins] hash is digits, fingerprint or remainder; got '{}'", name);
}

extern const Op kHashBins = {
    .name = "hash_bins",
    .summary = "Hashes integers, or texts as fingerprints, to bins; stable on disk.",
    .formula =
        "dst = hash(x) mod bins. digits: FarmHash64 of the decimal digits; fingerprint: x itself, "
        "unsigned; remainder: x. With a salt: SipHash-2-4 of the digits, or of x's 8 bytes",
    .reference_source = "FarmHash (Pike, 2014); SipHash (Aumasson and Bernstein, 2012)",
    .inputs = {{"x", "int32 or int64, any shape"}},
    .attributes = {{"bins", {}, "number of bins", int64_t{1}},
                   {"hash", std::string("digits"), "digits, fingerprint or remainder"},
                   {"salt", std::vector<int64_t>{}, "none, or the key's two words"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_ids(c, 0);
      check_bins(c, "hash_bins");
      bin_hash_from(c.attr<std::string>("hash"));
      const auto& salt = c.attr<std::vector<int64_t>>("salt");
      if (!salt.empty() && salt.size() != 2)
        fail("[hash_bins] salt is two numbers; got {}", str(salt));
      return {{DType::i64, c.shape(0)}};
    },
    .why_not_differentiable = "its result is an integer",
    .reference =
        [](const ReferenceContext& c) {
          const int64_t bins = c.attr<int64_t>("bins");
          const BinHash hash = bin_hash_from(c.attr<std::string>("hash"));
          const auto& salt = c.attr<std::vector<int64_t>>("salt");
          SipKey key = {};
          for (size_t i = 0; i < salt.size(); ++i) key[i] = static_cast<uint64_t>(salt[i]);
          visit_ids(c.src[0].dtype(), c.src[0].raw(), [&](const auto* x) {
            for (int64_t i = 0; i < c.dst[0].count(); ++i)
              c.dst[0].data<int64_t>()[i] = bin_of(static_cast<int64_t>(x[i]), bins, hash,
                                                   salt.empty() ? nullptr : &key);
          });
        },
    .batch = [](const Node&, std::span<const BatchKind> in) { return in[0]; },
    .cases = {{{"i64[50]@-9:9000"}, {{"bins", int64_t{7}}}},
              {{"i32[3,2]@-9:9"}, {{"bins", int64_t{5}}, {"hash", std::string("remainder")}}},
              {{"i64[9]@-900:900"}, {{"bins", int64_t{5}}, {"hash", std::string("fingerprint")}}},
              {{"i64[9]@0:90"}, {{"bins", int64_t{5}}, {"salt", std::vector<int64_t>{133, 137}}}},
              {{"i64[9]@0:90"},
               {{"bins", int64_t{5}},
                {"hash", std::string("fingerprint")},
                {"salt", std::vector<int64_t>{1, -1}}}},
              {{"i64[0]"}, {{"bins", int64_t{1}}}}},
};

Value hash_bins(const Value& x, int64_t bins, std::string hash, std::vector<int64_t> salt) {
  return make_value(kHashBins, {x},
                    {{"bins", bins}, {"hash", std::move(hash)}, {"salt", std::move(salt)}});
}

extern const Op kCrossBins = {
    .name = "cross_bins",
    .summary = "Hashes several columns together to bins, as tf.sparse.cross_hashed does.",
    .formula =
        "h = 0xDECAFCAFFE; h = FingerprintCat64(h, column[i]) for each column; dst[i] = h mod bins",
    .inputs = {{"columns", "int32 or int64, all of one shape; texts as fingerprints", false, true}},
    .attributes = {{"bins", {}, "number of bins", int64_t{1}}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (c.n() == 0) fail("[cross_bins] takes at least one column");
      for (size_t i = 0; i < c.n(); ++i) {
        check_ids(c, i);
        if (c.shape(i) != c.shape(0))
          fail("[cross_bins] columns must have one shape; got {} and {}", c.shape(0).str(),
               c.shape(i).str());
      }
      check_bins(c, "cross_bins");
      return {{DType::i64, c.shape(0)}};
    },
    .why_not_differentiable = "its result is an integer",
    .reference =
        [](const ReferenceContext& c) {
          const auto bins = static_cast<uint64_t>(c.attr<int64_t>("bins"));
          for (int64_t i = 0; i < c.dst[0].count(); ++i) {
            uint64_t hash = kCrossKey;
            for (const Tensor& column : c.src)
              visit_ids(column.dtype(), column.raw(), [&](const auto* x) {
                hash = joined_fingerprint(
                    hash, static_cast<uint64_t>(static_cast<int64_t>(x[i])));
              });
            c.dst[0].data<int64_t>()[i] = static_cast<int64_t>(hash % bins);
          }
        },
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          for (BatchKind kind : in)
            if (kind != BatchKind::rows) return BatchKind::blocked;
          return BatchKind::rows;
        },
    .cases = {{{"i32[50]@0:9", "i64[50]@-9:9"}, {{"bins", int64_t{100}}}},
              {{"i64[4,1]@0:9", "i64[4,1]@0:9", "i32[4,1]@0:9"}, {{"bins", int64_t{7}}}},
              {{"i32[0]@0:9"}, {{"bins", int64_t{10}}}}},
};

Value cross_bins(const std::vector<Value>& columns, int64_t bins) {
  return make_value(kCrossBins, columns, {{"bins", bins}});
}

}  // namespace andiron::ops
