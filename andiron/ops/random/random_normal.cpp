#include "andiron/ops/random/draw.hpp"
#include "andiron/ops/random/random.hpp"

namespace andiron::ops {

extern const Op kRandomNormal = {
    .name = "random_normal",
    .summary = "Normal random numbers; the same seed and counter give the same numbers.",
    .formula = "dst[i] = mean + stddev z[i], z by Box and Muller from Philox(seed, counter) at i",
    .reference_source = "Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011",
    .inputs = {{"counter", "int64 scalar: the step, so that every step draws anew"}},
    .attributes = {{"shape", {}, "the sizes of the result", Shape()},
                   {"seed", {}, "tells streams apart", int64_t{}},
                   {"mean", 0.0, "the mean"},
                   {"stddev", 1.0, "the standard deviation"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (!(c.attr<double>("stddev") >= 0.0))
        fail("[random_normal] stddev must not be negative; got {}", c.attr<double>("stddev"));
      return infer_random(c);
    },
    .why_not_differentiable = "it is random",
    .reference =
        [](const ReferenceContext& c) {
          const auto mean = static_cast<float>(c.attr<double>("mean"));
          const auto stddev = static_cast<float>(c.attr<double>("stddev"));
          const int64_t first = first_element(c);
          float* dst = c.dst[0].data<float>();
          for_each_draw(stream_key(c.attr<int64_t>("seed"), *c.src[0].data<int64_t>()), first,
                        c.dst[0].count(), [&](int64_t i, const auto& words, size_t lane) {
                          dst[i - first] = mean + stddev * standard_normal(words, lane);
                        });
        },
    .batch = batch_of_random,
    .flops =
        [](const Node& node) {
          return 50.0 * static_cast<double>(node.outputs[0].shape.count().size());
        },
    .cases = {{{"i64[]@0:9"}, {{"shape", Shape{4, 5}}, {"seed", int64_t{7}}}},
              {{"i64[]@0:9"},
               {{"shape", Shape{9}}, {"seed", int64_t{7}}, {"mean", -2.0}, {"stddev", 3.0}}},
              {{"i64[]@0:9"}, {{"shape", Shape{0, 3}}, {"seed", int64_t{-1}}}},
              {{"i64[]@0:9"}, {{"shape", Shape{}}, {"seed", int64_t{1}}}}},
};

Value random_normal(Shape shape, const Value& counter, int64_t seed, double mean, double stddev) {
  return make_value(
      kRandomNormal, {counter},
      {{"shape", std::move(shape)}, {"seed", seed}, {"mean", mean}, {"stddev", stddev}});
}

}  // namespace andiron::ops
