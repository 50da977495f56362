#include "bindings/linear.hpp"

#include "andiron/base/error.hpp"
#include "andiron/exec/lane.hpp"
#include "andiron/linear/cross_validation.hpp"
#include "andiron/linear/isotonic.hpp"
#include "bindings/convert.hpp"

namespace andiron::bindings {

namespace {

using linear::Examples;
using linear::Fit;
using linear::Options;
using linear::Rows;

Fit start_from(nb::handle weights, nb::handle bias) {
  const Tensor w = tensor_from(weights).cast(DType::f32).contiguous();
  const Tensor b = tensor_from(bias).cast(DType::f64).contiguous();
  Fit start;
  start.weights.assign(w.data<float>(), w.data<float>() + w.count());
  start.bias.assign(b.data<double>(), b.data<double>() + b.count());
  return start;
}

nb::dict fit(const Examples& examples, double c, double tol, int max_iter, bool intercept,
             int threads, nb::handle start_weights, nb::handle start_bias) {
  const Options options{c, tol, max_iter, intercept, std::max(1, threads)};
  std::optional<Fit> start;
  if (!start_weights.is_none()) start = start_from(start_weights, start_bias);
  Fit found;
  {
    nb::gil_scoped_release unlocked;
    auto work = [&] {
      found = linear::fit(examples, {{0, examples.rows()}}, options, start ? &*start : nullptr);
    };
    if (options.threads > 1) {
      exec::Lane::main().run(work);  // the caller must not enter OpenMP itself
    } else {
      work();
    }
  }
  nb::dict out;
  out["coef"] = Tensor::from(found.weights, {examples.classes(), examples.features()});
  out["intercept"] = Tensor::from(found.bias, {examples.classes()});
  out["value"] = found.value;
  out["largest_gradient"] = found.largest_gradient;
  out["iterations"] = found.iterations;
  out["converged"] = found.converged;
  return out;
}

nb::dict cross_validate(const Examples& examples, const std::vector<Rows>& folds,
                        const std::vector<double>& cs, double tol, int max_iter, bool intercept,
                        int threads, bool keep_scores) {
  const Options options{1.0, tol, max_iter, intercept, std::max(1, threads)};
  linear::CrossValidation found;
  {
    nb::gil_scoped_release unlocked;
    found = linear::cross_validate(examples, folds, cs, options, keep_scores);
  }
  const Sizes sizes = {std::ssize(cs), std::ssize(folds)};
  Tensor loss(DType::f64, sizes), correct(DType::f64, sizes), iterations(DType::i64, sizes);
  int64_t at = 0;
  for (const auto& row : found.folds)
    for (const linear::Held& held : row) {
      loss.data<double>()[at] = held.loss;
      correct.data<double>()[at] = held.correct;
      iterations.data<int64_t>()[at++] = held.iterations;
    }
  nb::dict out;
  out["loss"] = loss;
  out["correct"] = correct;
  out["iterations"] = iterations;
  if (keep_scores) out["scores"] = found.scores;
  return out;
}

Tensor non_decreasing(nb::handle values, nb::handle weights) {
  const Tensor v = tensor_from(values).cast(DType::f64).contiguous();
  const Tensor w = tensor_from(weights).cast(DType::f64).contiguous();
  std::vector<double> found;
  {
    nb::gil_scoped_release unlocked;
    found = linear::non_decreasing({v.data<double>(), size_t(v.count())},
                                   {w.data<double>(), size_t(w.count())});
  }
  return Tensor::from(found, {int64_t(found.size())});
}

}  // namespace

void bind_linear(nb::module_& m) {
  m.def("non_decreasing", &non_decreasing, nb::arg("values"), nb::arg("weights"));
  nb::class_<Examples>(m, "LinearExamples")
      .def(
          "__init__",
          [](Examples* self, nb::handle x, nb::handle targets, nb::handle weights,
             int64_t n_classes, const std::string& loss, bool centred,
             const std::vector<int64_t>& order) {
            new (self) Examples(tensor_from(x), tensor_from(targets),
                                weights.is_none() ? Tensor() : tensor_from(weights), n_classes,
                                linear::loss_from(loss), centred, order);
          },
          nb::arg("x"), nb::arg("targets"), nb::arg("weights").none(), nb::arg("n_classes"),
          nb::arg("loss"), nb::arg("centred"), nb::arg("order"))
      .def("fit", &fit, nb::arg("c"), nb::arg("tol"), nb::arg("max_iter"), nb::arg("intercept"),
           nb::arg("threads"), nb::arg("start_coef").none(), nb::arg("start_intercept").none())
      .def("cross_validate", &cross_validate, nb::arg("folds"), nb::arg("cs"), nb::arg("tol"),
           nb::arg("max_iter"), nb::arg("intercept"), nb::arg("threads"), nb::arg("keep_scores"));
}

}  // namespace andiron::bindings
