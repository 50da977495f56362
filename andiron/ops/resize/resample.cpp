#include "andiron/ops/resize/resample.hpp"

#include <algorithm>

#include "andiron/ops/conv/window.hpp"
#include "andiron/ops/floating.hpp"

namespace andiron::ops {

extern const Op kResample;

namespace {

using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;

// The numbers of a node: `wide` is the axis that the weights' columns count.
struct Numbers {
  int64_t axis, outer = 1, inner = 1, wide, narrow, taps;
};

Numbers numbers_of(std::string_view op, const Attributes& attributes, const Shape& x) {
  Numbers n{};
  n.outer = n.inner = 1;
  n.axis = normalize_axis(op, attributes.get<int64_t>("axis"), x.rank());
  const auto& first = attributes.get<Ints>("first");
  const auto& weights = attributes.get<Doubles>("weights");
  n.wide = attributes.get<int64_t>("size");
  n.narrow = static_cast<int64_t>(first.size());
  if (first.empty() || weights.empty() || weights.size() % first.size() != 0 || n.wide < 1)
    fail(
        "[{}] needs as many weights for each of its places, and a positive size; got {} weights, "
        "{} places and size {}",
        op, weights.size(), first.size(), n.wide);
  n.taps = static_cast<int64_t>(weights.size()) / n.narrow;
  for (int64_t i : first)
    if (i < 0 || i > n.wide - n.taps)
      fail("[{}] {} taps from {} on reach beyond size {}", op, n.taps, i, n.wide);
  const Dim expected = attributes.get<bool>("transpose") ? n.narrow : n.wide;
  if (x[static_cast<size_t>(n.axis)] != expected)
    fail("[{}] axis {} of {} must have {} places", op, n.axis, x.str(), expected.str());
  for (int64_t i = 0; i < x.rank(); ++i) {
    const Dim& d = x[static_cast<size_t>(i)];
    if (!d.known()) continue;
    if (i < n.axis) n.outer *= d.size();
    if (i > n.axis) n.inner *= d.size();
  }
  return n;
}

}  // namespace

void AxisWeights::add(int64_t o, int64_t i, double weight) {
  Row& row = rows_[static_cast<size_t>(o)];
  i = std::clamp<int64_t>(i, 0, in_ - 1);
  if (row.weights.empty()) row.first = i;
  if (i < row.first) {
    row.weights.insert(row.weights.begin(), static_cast<size_t>(row.first - i), 0.0);
    row.first = i;
  }
  const auto at = static_cast<size_t>(i - row.first);
  if (at >= row.weights.size()) row.weights.resize(at + 1, 0.0);
  row.weights[at] += weight;
}

int64_t AxisWeights::taps() const {
  size_t most = 1;
  for (const Row& row : rows_) most = std::max(most, row.weights.size());
  return static_cast<int64_t>(most);
}

std::vector<int64_t> AxisWeights::first() const {
  Ints list;
  const int64_t last = in_ - taps();
  for (const Row& row : rows_) list.push_back(std::min(row.first, last));
  return list;
}

std::vector<double> AxisWeights::weights() const {
  const int64_t n = taps();
  Doubles list;
  for (const Row& row : rows_) {
    const int64_t shift = row.first - std::min(row.first, in_ - n);
    for (int64_t t = 0; t < n; ++t) {
      const int64_t i = t - shift;
      const bool inside = i >= 0 && i < static_cast<int64_t>(row.weights.size());
      list.push_back(inside ? row.weights[static_cast<size_t>(i)] : 0.0);
    }
  }
  return list;
}

extern const Op kResample = {
    .name = "resample",
    .summary = "Weighted sums of neighbours along one axis: what resizing is made of.",
    .formula =
        "dst[.., o, ..] = sum over t of weights[o, t] x[.., first[o] + t, ..]; with "
        "transpose its gradient: dst[.., i, ..] = sum over o, t with first[o] + t = i",
    .inputs = {{"x", "any shape with known size along axis, floating point"}},
    .attributes =
        {{"axis", {}, "the axis that is resampled", int64_t{0}},
         {"first", {}, "the first neighbour of each place", Ints()},
         {"weights", {}, "as many for each place", Doubles()},
         {"size", {}, "places of x along the axis; with transpose, of the result", int64_t{0}},
         {"transpose", false, "apply the transposed matrix"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (!is_floating(c.in(0).dtype))
        fail("[resample] takes floating point values; got {}", str(c.in(0)));
      const Numbers n = numbers_of(c.op, c.attributes, c.shape(0));
      Shape shape = c.shape(0);
      shape[static_cast<size_t>(n.axis)] = c.attr<bool>("transpose") ? n.wide : n.narrow;
      return {{c.in(0).dtype, shape}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      Attributes attributes = c.node.attributes;
      attributes.set("transpose", !c.attr<bool>("transpose"));
      return {make_value(kResample, {c.grad()}, attributes)};
    },
    .reference =
        [](const ReferenceContext& c) {
          const Numbers n = numbers_of("resample", c.attributes, Shape(c.src[0].sizes()));
          const bool transpose = c.attr<bool>("transpose");
          const auto& first = c.attr<Ints>("first");
          const auto& weights = c.attr<Doubles>("weights");
          visit_floating(c.dst[0].dtype(), [&]<class T>() {
            using C = Compute<T>;
            std::vector<C> total(static_cast<size_t>(c.dst[0].count()));
            const int64_t n_src = transpose ? n.narrow : n.wide;
            const int64_t n_dst = transpose ? n.wide : n.narrow;
            for (int64_t b = 0; b < n.outer; ++b)
              for (int64_t o = 0; o < n.narrow; ++o)
                for (int64_t t = 0; t < n.taps; ++t) {
                  const auto w = static_cast<C>(weights[static_cast<size_t>(o * n.taps + t)]);
                  if (w == C(0)) continue;  // a row shorter than the widest
                  const int64_t wide = first[static_cast<size_t>(o)] + t;
                  const int64_t from = (b * n_src + (transpose ? o : wide)) * n.inner;
                  const int64_t to = (b * n_dst + (transpose ? wide : o)) * n.inner;
                  for (int64_t i = 0; i < n.inner; ++i)
                    total[static_cast<size_t>(to + i)] +=
                        w * static_cast<C>(c.src[0].data<T>()[from + i]);
                }
            for (size_t i = 0; i < total.size(); ++i)
              c.dst[0].data<T>()[i] = static_cast<T>(total[i]);
          });
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          const int64_t axis =
              normalize_axis("resample", node.attr<int64_t>("axis"), node.inputs[0].rank());
          return axis > 0 ? in[0] : BatchKind::blocked;
        },
    .flops =
        [](const Node& node) {
          const auto& weights = node.attr<Doubles>("weights");
          const auto places = static_cast<double>(node.attr<Ints>("first").size());
          const Shape& narrow =
              node.attr<bool>("transpose") ? node.inputs[0].shape() : node.outputs[0].shape;
          return 2.0 * static_cast<double>(narrow.count().size()) / places *
                 static_cast<double>(weights.size());
        },
    .cases = {{{"f32[2,4,3]"},
               {{"axis", int64_t{1}},
                {"first", Ints{0, 1, 2}},
                {"weights", Doubles{0.5, 0.5, 0.25, 0.75, 1.0, 0.0}},
                {"size", int64_t{4}}}},
              {{"f32[2,3,3]"},
               {{"axis", int64_t{1}},
                {"first", Ints{0, 1, 2}},
                {"weights", Doubles{0.5, 0.5, 0.25, 0.75, 1.0, 0.0}},
                {"size", int64_t{4}},
                {"transpose", true}}},
              {{"f32[5]"},
               {{"axis", int64_t{0}},
                {"first", Ints{0, 2, 4, 4}},
                {"weights", Doubles{1, 2, 3, 4}},
                {"size", int64_t{5}}}},
              {{"f32[0,2]"},
               {{"axis", int64_t{-1}},
                {"first", Ints{0}},
                {"weights", Doubles{1, 1}},
                {"size", int64_t{2}}}},
              {{"bf16[3,2]"},
               {{"axis", int64_t{-1}},
                {"first", Ints{0}},
                {"weights", Doubles{1, 0.5}},
                {"size", int64_t{2}}}}},
};

Value resample(const Value& x, int64_t axis, const AxisWeights& weights) {
  return make_value(kResample, {x},
                    {{"axis", axis},
                     {"first", weights.first()},
                     {"weights", weights.weights()},
                     {"size", weights.in()}});
}

}  // namespace andiron::ops
