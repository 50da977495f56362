#include "andiron/ops/random/draw.hpp"
#include "andiron/ops/random/random.hpp"

namespace andiron::ops {

extern const Op kRandomUniform = {
    .name = "random_uniform",
    .summary = "Uniform random numbers; the same seed and counter give the same numbers.",
    .formula = "dst[i] = low + (high - low) u[i], u = 24 bits of Philox(seed, counter) at i",
    .reference_source = "Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011",
    .inputs = {{"counter", "int64 scalar: the step, so that every step draws anew"}},
    .attributes = {{"shape", {}, "the sizes of the result", Shape()},
                   {"seed", {}, "tells streams apart", int64_t{}},
                   {"low", 0.0, "the least value"},
                   {"high", 1.0, "values stay below it"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const double low = c.attr<double>("low"), high = c.attr<double>("high");
      if (!(static_cast<float>(low) < static_cast<float>(high)) || !std::isfinite(high - low))
        fail("[random_uniform] low must be below high and both finite; got {} and {}", low, high);
      return infer_random(c);
    },
    .why_not_differentiable = "it is random",
    .reference =
        [](const ReferenceContext& c) {
          const auto low = static_cast<float>(c.attr<double>("low"));
          const auto high = static_cast<float>(c.attr<double>("high"));
          const int64_t first = first_element(c);
          float* dst = c.dst[0].data<float>();
          for_each_draw(stream_key(c.attr<int64_t>("seed"), *c.src[0].data<int64_t>()), first,
                        c.dst[0].count(), [&](int64_t i, const auto& words, size_t lane) {
                          dst[i - first] = uniform_between(words[lane], low, high);
                        });
        },
    .batch = batch_of_random,
    .flops =
        [](const Node& node) {
          return 20.0 * static_cast<double>(node.outputs[0].shape.count().size());
        },
    .cases = {{{"i64[]@0:9"}, {{"shape", Shape{4, 5}}, {"seed", int64_t{7}}}},
              {{"i64[]@0:9"},
               {{"shape", Shape{9}}, {"seed", int64_t{7}}, {"low", -2.0}, {"high", 3.0}}},
              {{"i64[]@0:9"}, {{"shape", Shape{0, 3}}, {"seed", int64_t{-1}}}},
              {{"i64[]@0:9"}, {{"shape", Shape{}}, {"seed", int64_t{1}}}}},
};

Value random_uniform(Shape shape, const Value& counter, int64_t seed, double low, double high) {
  return make_value(kRandomUniform, {counter},
                    {{"shape", std::move(shape)}, {"seed", seed}, {"low", low}, {"high", high}});
}

}  // namespace andiron::ops
