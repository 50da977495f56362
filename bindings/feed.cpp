#include "bindings/feed.hpp"

#include "andiron/base/philox.hpp"
#include "andiron/train/batch_source.hpp"
#include "bindings/convert.hpp"
#include "bindings/python_function.hpp"

namespace andiron::bindings {

namespace {

/// What a feed of Python gives. Threads and waiting are the feed's own: there a Ctrl-C gets
/// through.
class FedSource : public train::BatchSource {
 public:
  FedSource(nb::object feed, int64_t batches)
      : feed_(shared_object(std::move(feed))), batches_(batches) {}

  int64_t rows() const override { return kUnknown; }
  int64_t batches() const override { return batches_; }
  // What will come cannot be known: training resumes on what is given then.
  uint64_t digest() const override { return mix_key(0xFEED, static_cast<uint64_t>(batches_)); }
  train::SourceParts parts() const override {
    return {.rows = kUnknown, .steps = std::max<int64_t>(batches_, 0), .contents = digest()};
  }

  void start(int64_t epoch, int64_t first_batch) override {
    nb::gil_scoped_acquire gil;
    feed_->attr("start")(epoch, first_batch);
  }
  const nn::Batch* next() override {
    nb::gil_scoped_acquire gil;
    const nb::object given = feed_->attr("next")();
    batch_ = {};
    if (given.is_none()) return nullptr;
    const auto take = [&](int part) {
      std::vector<Tensor> tensors = tensors_from(given[nb::int_(part)]);
      for (Tensor& t : tensors) t = t.contiguous();
      return tensors;
    };
    batch_ = {.x = take(0), .y = take(1), .sample_weight = take(2)};
    return &batch_;
  }
  bool ended() override {
    nb::gil_scoped_acquire gil;
    return nb::cast<bool>(feed_->attr("ended")());
  }
  void stop() override {
    nb::gil_scoped_acquire gil;
    batch_ = {};
    try {
      feed_->attr("stop")();
    } catch (nb::python_error& error) {  // destructors call this
      if (error.matches(PyExc_KeyboardInterrupt))
        PyErr_SetInterrupt();  // for the next look at signals
      else
        error.discard_as_unraisable("stop of a feed");
    }
  }

 private:
  std::shared_ptr<nb::object> feed_;
  int64_t batches_;
  nn::Batch batch_;
};

}  // namespace

void bind_feeds(nb::module_& m) {
  m.def(
      "fed_source",
      [](nb::object feed, int64_t batches) -> std::shared_ptr<train::BatchSource> {
        return std::make_shared<FedSource>(std::move(feed), batches);
      },
      nb::arg("feed"), nb::arg("batches"));
}

}  // namespace andiron::bindings
