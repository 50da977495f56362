#include "andiron/ops/embedding/embedding_bag.hpp"

#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/embedding/ids.hpp"
#include "andiron/ops/floating.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

const AttributeSpec kCombiner = {"combiner", "sum",
                                 "\"sum\", or \"mean\": divided by the weights' sum"};

void check_bag(const InferContext& c, size_t ids, size_t weights, DType dtype) {
  check_ids(c, ids);
  const std::string& combiner = c.attr<std::string>("combiner");
  if (combiner != "sum" && combiner != "mean")
    fail("[{}] combiner must be \"sum\" or \"mean\"; got \"{}\"", c.op, combiner);
  if (c.shape(ids).rank() != 2) fail("[{}] ids must be [n, k]; got {}", c.op, str(c.in(ids)));
  if (c.n() > weights && c.inputs[weights].defined() &&
      c.in(weights) != TensorType{dtype, c.shape(ids)})
    fail("[{}] weights must be {}{} as ids and table are; got {}", c.op, name_of(dtype),
         c.shape(ids).str(), str(c.in(weights)));
}

// Calls f(i, ids, scales): the scales of bag i as `bag_scales` gives them.
template <class T, class F>
void for_each_bag(const ReferenceContext& c, const Tensor& ids, const T* weights, int64_t n_rows,
                  F f) {
  using C = Compute<T>;
  const int64_t n = ids.size(0), k = ids.size(1);
  const bool mean = c.attr<std::string>("combiner") == "mean";
  std::vector<C> scales(static_cast<size_t>(k)), w(static_cast<size_t>(k), C(1));
  visit_ids(ids.dtype(), ids.raw(), [&](const auto* data) {
    const int64_t bad = first_bad_id(data, n * k, n_rows, true);
    if (bad >= 0) fail_id("embedding_bag", data[bad], c.first_row * k + bad, n_rows);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; weights != nullptr && j < k; ++j)
        w[static_cast<size_t>(j)] = static_cast<C>(weights[i * k + j]);
      bag_scales(data + i * k, w.data(), k, mean, scales.data());
      f(i, data + i * k, scales.data());
    }
  });
}

const Tensor* optional(const ReferenceContext& c, size_t i) {
  return c.src.size() > i && c.src[i].defined() ? &c.src[i] : nullptr;
}

void reference(const ReferenceContext& c) {
  const int64_t k = c.src[1].size(1), width = c.src[0].size(1);
  visit_floating(c.src[0].dtype(), [&]<class T>() {
    const Tensor* weights = optional(c, 2);
    for_each_bag<T>(c, c.src[1], weights ? weights->data<T>() : nullptr, c.src[0].size(0),
                    [&](int64_t i, const auto* ids, const Compute<T>* scales) {
                      for (int64_t d = 0; d < width; ++d) {
                        Compute<T> total = 0;
                        for (int64_t j = 0; j < k; ++j)
                          if (ids[j] >= 0)
                            total += scales[j] * static_cast<Compute<T>>(
                                                     c.src[0].data<T>()[ids[j] * width + d]);
                        c.dst[0].data<T>()[i * width + d] = static_cast<T>(total);
                      }
                    });
  });
}

void reference_grad_values(const ReferenceContext& c) {
  const int64_t k = c.src[1].size(1), width = c.src[0].size(1);
  visit_floating(c.src[0].dtype(), [&]<class T>() {
    const Tensor* weights = optional(c, 2);
    for_each_bag<T>(c, c.src[1], weights ? weights->data<T>() : nullptr, INT64_MAX,
                    [&](int64_t i, const auto*, const Compute<T>* scales) {
                      const T* grad = c.src[0].data<T>() + i * width;
                      T* dst = c.dst[0].data<T>() + i * k * width;
                      for (int64_t j = 0; j < k; ++j)
                        for (int64_t d = 0; d < width; ++d)
                          dst[j * width + d] =
                              static_cast<T>(scales[j] * static_cast<Compute<T>>(grad[d]));
                    });
  });
}

void reference_grad_weights(const ReferenceContext& c) {
  const int64_t k = c.src[1].size(1), width = c.src[0].size(1);
  const bool mean = c.attr<std::string>("combiner") == "mean";
  visit_floating(c.src[0].dtype(), [&]<class T>() {
    using C = Compute<T>;
    for_each_bag<T>(
        c, c.src[1], c.src[2].data<T>(), c.src[0].size(0),
        [&](int64_t i, const auto* ids, const C* scales) {
          const T* weights = c.src[2].data<T>() + i * k;
          const T* grad = c.src[3].data<T>() + i * width;
          std::vector<C> along(static_cast<size_t>(k), C(0));  // <row, grad>
          C weight = 0, along_dst = 0;
          for (int64_t j = 0; j < k; ++j) {
            if (ids[j] < 0) continue;
            for (int64_t d = 0; d < width; ++d)
              along[static_cast<size_t>(j)] +=
                  static_cast<C>(c.src[0].data<T>()[ids[j] * width + d]) * static_cast<C>(grad[d]);
            weight += static_cast<C>(weights[j]);
            along_dst += scales[j] * along[static_cast<size_t>(j)];
          }
          for (int64_t j = 0; j < k; ++j) {
            const C a = along[static_cast<size_t>(j)];
            const C value = mean ? (weight == C(0) ? C(0) : (a - along_dst) / weight) : a;
            c.dst[0].data<T>()[i * k + j] = static_cast<T>(ids[j] < 0 ? C(0) : value);
          }
        });
  });
}

BatchKind batch_of_bag(const Node& node, std::span<const BatchKind> in) {
  // Only the table, where there is one, is not rows.
  const bool has_table = !node.is("embedding_bag_grad_values");
  for (size_t i = has_table ? 1 : 0; i < in.size(); ++i)
    if (node.inputs[i].defined() && in[i] != BatchKind::rows) return BatchKind::blocked;
  return has_table && in[0] != BatchKind::fixed && in[0] != BatchKind::blocked ? BatchKind::blocked
                                                                               : BatchKind::rows;
}

double bag_flops(const Node& node) {
  const Dim width = node.inputs[0].shape()[1];
  return 2.0 * static_cast<double>((node.inputs[1].shape().count() * width).size());
}

// The gradient of embedding_bag's result for the ids at input 1: [n, width].
void check_grad(const InferContext& c, int at, const Dim& width) {
  const TensorType& grad = c.in(at);
  if (grad.shape.rank() != 2 || !(grad.shape[0] == c.shape(1)[0]) || !(grad.shape[1] == width) ||
      grad.dtype != c.in(0).dtype)
    fail("[{}] grad must be {} [{},{}]; got {} {}", c.op, name_of(c.in(0).dtype),
         c.shape(1)[0].str(), width.str(), name_of(grad.dtype), grad.shape.str());
}

}  // namespace

extern const Op kEmbeddingBagGradValues = {
    .name = "embedding_bag_grad_values",
    .summary = "The gradient of embedding_bag with respect to each row that it looked up.",
    .formula = "dst[i * k + j, :] = scale[i, j] * grad[i, :]; zero for padding",
    .inputs = {{"grad", "[n, d]"}, {"ids", "[n, k]"}, {"weights", "[n, k]", true}},
    .attributes = {kCombiner},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_bag(c, 1, 2, c.in(0).dtype);
      if (c.shape(0).rank() != 2 || !is_floating(c.in(0).dtype))
        fail("[embedding_bag_grad_values] grad must be floating point [n, d]; got {}",
             str(c.in(0)));
      check_grad(c, 0, c.shape(0)[1]);
      return {{c.in(0).dtype, {c.shape(1).count(), c.shape(0)[1]}}};
    },
    .why_not_differentiable = "second derivatives of bags are not needed so far",
    .reference = reference_grad_values,
    .batch = batch_of_bag,
    .cases = {{{"f32[4,3]", "i32[4,2]@-1:5"}},
              {{"f32[4,3]", "i64[4,5]@-2:5", "f32[4,5]@0.1:2"}, {{"combiner", "mean"}}}},
};

extern const Op kEmbeddingBagGradWeights = {
    .name = "embedding_bag_grad_weights",
    .summary = "The gradient of embedding_bag with respect to its weights.",
    .formula =
        "sum: <table[ids[i, j]], grad[i]>; mean: <table[ids[i, j]] - dst[i], grad[i]> / W[i]",
    .inputs = {{"table", "[v, d]"}, {"ids", "[n, k]"}, {"weights", "[n, k]"}, {"grad", "[n, d]"}},
    .attributes = {kCombiner},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_table(c, 0);
      check_bag(c, 1, 2, c.in(0).dtype);
      check_grad(c, 3, c.shape(0)[1]);
      return {c.in(2)};
    },
    .why_not_differentiable = "second derivatives of bags are not needed so far",
    .reference = reference_grad_weights,
    .batch = batch_of_bag,
    .flops = bag_flops,
    .cases = {{{"f32[5,3]", "i32[4,2]@-1:5", "f32[4,2]", "f32[4,3]"}},
              {{"f32[5,3]", "i32[4,6]@-1:5", "f32[4,6]@0.1:2", "f32[4,3]"},
               {{"combiner", "mean"}}}},
};

extern const Op kEmbeddingBag = {
    .name = "embedding_bag",
    .summary = "Sums or averages k rows of a table for each sample; negative ids are padding.",
    .formula =
        "dst[i, :] = sum over j of w[i, j] table[ids[i, j], :], for \"mean\" divided by the "
        "sum of w[i, j]; an empty bag is zero",
    .inputs = {{"table", "[v, d], floating point"},
               {"ids", "[n, k], int32 or int64; negative: left out"},
               {"weights", "[n, k] of the table's dtype; ones when left out", true}},
    .attributes = {kCombiner},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_table(c, 0);
      check_bag(c, 1, 2, c.in(0).dtype);
      return {{c.in(0).dtype, {c.shape(1)[0], c.shape(0)[1]}}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value weights = c.node.inputs.size() > 2 ? c.in(2) : Value();
      const Attributes combiner = {{"combiner", c.attr<std::string>("combiner")}};
      const Value values =
          make_value(kEmbeddingBagGradValues, {c.grad(), c.in(1), weights}, combiner);
      const Value ids = reshape(c.in(1), {c.in(1).shape().count()});
      std::vector<Value> grads = {row_sparse(ids, values, c.in(0).shape()[0].size()), Value()};
      if (c.node.inputs.size() > 2)
        grads.push_back(weights.defined()
                            ? make_value(kEmbeddingBagGradWeights,
                                         {c.in(0), c.in(1), weights, c.grad()}, combiner)
                            : Value());
      return grads;
    },
    .reference = reference,
    .batch = batch_of_bag,
    .flops = bag_flops,
    .cases = {{{"f32[5,3]", "i32[4,2]@0:5"}},
              {{"f32[5,3]", "i64[4,6]@-3:5"}, {{"combiner", "mean"}}},
              {{"f32[50,1]", "i32[9,3]@0:50", "f32[9,3]"}},
              {{"f32[9,40]", "i32[7,4]@-2:9", "f32[7,4]@0.1:2"}, {{"combiner", "mean"}}},
              {{"f32[5,3]", "i32[0,2]@0:5"}},
              {{"f32[5,3]", "i32[4,0]@0:5"}, {{"combiner", "mean"}}}},
};

Value embedding_bag(const Value& table, const Value& ids, const Value& weights,
                    std::string_view combiner) {
  return make_value(kEmbeddingBag, {table, ids, weights}, {{"combiner", std::string(combiner)}});
}

}  // namespace andiron::ops
