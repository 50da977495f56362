#include "andiron/base/error.hpp"
#include "andiron/train/data/negative_sampler.hpp"
#include "bindings/convert.hpp"
#include "bindings/python_layer.hpp"

namespace andiron::bindings {

namespace {

using train::NegativeSampler;

Tensor possible(const NegativeSampler& sampler, nb::handle users) {
  const auto rows = train::read_ids("user", tensor_from(users), sampler.interactions().n_users());
  Tensor out(DType::boolean, {static_cast<int64_t>(rows.size())});
  for (size_t i = 0; i < rows.size(); ++i) out.data<bool>()[i] = sampler.possible(rows[i]);
  return out;
}

Tensor draw(const NegativeSampler& sampler, nb::handle users, int64_t n, uint64_t seed,
            int64_t epoch) {
  if (n < 0 || n > 1'000'000) fail("[negatives] n must be in [0, 1000000]; got {}", n);
  const auto rows = train::read_ids("user", tensor_from(users), sampler.interactions().n_users());
  for (size_t i = 0; i < rows.size(); ++i)
    if (!sampler.possible(rows[i]))
      fail("[negatives] row {}: the user {} has every item, so there is no other to draw", i,
           rows[i]);
  Tensor out(DType::i64, {static_cast<int64_t>(rows.size()), n});
  nb::gil_scoped_release unlocked;
  sampler.draw(rows, n, train::negatives_key(seed, epoch),
               {out.data<int64_t>(), static_cast<size_t>(out.count())});
  return out;
}

}  // namespace

void bind_negatives(nb::module_& m) {
  nb::class_<NegativeSampler>(m, "NegativeSampler")
      .def(
          "__init__",
          [](NegativeSampler* self, nb::handle users, nb::handle items, int64_t n_users,
             int64_t n_items, double alpha) {
            new (self)
                NegativeSampler(std::make_shared<train::Interactions>(
                                    tensor_from(users), tensor_from(items), n_users, n_items),
                                alpha);
          },
          nb::arg("users"), nb::arg("items"), nb::arg("n_users"), nb::arg("n_items"),
          nb::arg("alpha") = 0.0)
      .def("possible", &possible, nb::arg("users"))
      .def("draw", &draw, nb::arg("users"), nb::arg("n"), nb::arg("seed"), nb::arg("epoch"));
}

}  // namespace andiron::bindings
