#include "andiron/ops/category/category.hpp"
#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/embedding/ids.hpp"
#include "andiron/ops/floating.hpp"

namespace andiron::ops {

namespace {

bool weighted(const InferContext& c) { return c.n() > 1 && c.inputs[1].defined(); }

}  // namespace

extern const Op kMultiHot = {
    .name = "multi_hot",
    .summary = "Which ids a row has, or how often it has them, as a vector.",
    .formula =
        "dst[..., d] = max over k of [ids[..., k] = d], or with count the sum of weights[..., k] "
        "(1 without) [ids[..., k] = d]; negative ids are padding",
    .inputs = {{"ids", "[..., k] int32 or int64, below depth"},
               {"weights", "[..., k] float32, of counts", true}},
    .attributes = {{"depth", {}, "the length of each vector", int64_t{1}},
                   {"count", false, "whether ids are counted"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_ids(c, 0);
      const int64_t depth = c.attr<int64_t>("depth");
      if (depth < 1) fail("[multi_hot] depth must be positive; got {}", depth);
      if (c.shape(0).empty()) fail("[multi_hot] ids need an axis; got {}", str(c.in(0)));
      if (weighted(c)) {
        if (!c.attr<bool>("count")) fail("[multi_hot] weights are for counts");
        if (!is_floating(c.in(1).dtype) || c.shape(1) != c.shape(0))
          fail("[multi_hot] weights must be floating point of the ids' shape; got {} and {}",
               str(c.in(1)), str(c.in(0)));
      }
      Shape shape = c.shape(0);
      shape.back() = Dim(depth);
      return {{weighted(c) ? c.in(1).dtype : DType::f32, shape}};
    },
    .why_not_differentiable = "ids are integers, and the weights of counts are data",
    .reference =
        [](const ReferenceContext& c) {
          const int64_t depth = c.attr<int64_t>("depth");
          const bool count = c.attr<bool>("count");
          const bool has_weights = c.src.size() > 1 && c.src[1].defined();
          const int64_t k = c.src[0].sizes().back();
          const int64_t rows = c.dst[0].count() / depth;
          visit_ids(c.src[0].dtype(), c.src[0].raw(), [&](const auto* ids) {
            const int64_t bad = first_bad_id(ids, rows * k, depth, true);
            if (bad >= 0)
              fail_id("multi_hot", static_cast<int64_t>(ids[bad]), c.first_row * k + bad, depth);
            visit_floating(c.dst[0].dtype(), [&]<class T>() {
              T* dst = c.dst[0].data<T>();
              std::fill_n(dst, rows * depth, static_cast<T>(0.0F));
              for (int64_t i = 0; i < rows * k; ++i) {
                if (ids[i] < 0) continue;
                T& place = dst[i / k * depth + static_cast<int64_t>(ids[i])];
                if (!count)
                  place = static_cast<T>(1.0F);
                else
                  place = static_cast<T>(place + (has_weights ? c.src[1].data<T>()[i]
                                                           : static_cast<T>(1.0F)));
              }
            });
          });
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          if (node.inputs[0].rank() < 2) return BatchKind::blocked;
          for (BatchKind kind : in)
            if (kind != BatchKind::rows) return BatchKind::blocked;
          return BatchKind::rows;
        },
    .cases = {{{"i32[5,3]@-1:4"}, {{"depth", int64_t{4}}}},
              {{"i64[5,3]@-1:4"}, {{"depth", int64_t{4}}, {"count", true}}},
              {{"i64[2,3,1]@0:4"}, {{"depth", int64_t{5}}}},
              {{"i32[4,3]@-1:4", "f32[4,3]"}, {{"depth", int64_t{4}}, {"count", true}}},
              {{"i32[3]@0:4"}, {{"depth", int64_t{4}}, {"count", true}}},
              {{"i32[0,3]@0:4"}, {{"depth", int64_t{4}}}}},
};

Value multi_hot(const Value& ids, int64_t depth, bool count, const Value& weights) {
  return make_value(kMultiHot, {ids, weights}, {{"depth", depth}, {"count", count}});
}

}  // namespace andiron::ops
