#include "andiron/train/data/image_dataset.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/base/parallel_for.hpp"
#include "andiron/io/crc32c.hpp"
#include "andiron/io/file.hpp"

namespace andiron::train {

namespace {

Sizes row_of(const Tensor& t) { return Sizes(t.sizes().begin() + 1, t.sizes().end()); }

}  // namespace

ImageDataset::ImageDataset(std::shared_ptr<const ImageStore> store, std::vector<int64_t> images,
                           Tensor labels, std::shared_ptr<const images::Pipeline> pipeline,
                           ImageOptions image_options, DataOptions options)
    : Dataset("images", options),
      store_(std::move(store)),
      images_(std::move(images)),
      labels_(std::move(labels)),
      pipeline_(std::move(pipeline)),
      image_options_(image_options) {
  for (const int64_t i : images_)
    if (i < 0 || i >= store_->size())
      fail("[images] there is no image {}; there are {}", i, store_->size());
  const MixOptions& mix = image_options_.mix;
  if (mix.mixup < 0 || mix.cutmix < 0 || !std::isfinite(mix.mixup + mix.cutmix))
    fail("[images] mixup and cutmix must be finite and not negative; got {} and {}", mix.mixup,
         mix.cutmix);
  if (mix.mixup + mix.cutmix > 0 && image_options_.n_classes == 0)
    fail("[images] mixup and cutmix mix labels: they need label_mode=\"categorical\"");
  if (image_options_.threads < 1)
    fail("[images] threads must be at least 1; got {}", image_options_.threads);
  std::vector<Field> fields = {{"image", Field::Role::input, DType::f32, pipeline_->shape()}};
  if (labels_.defined()) {
    if (labels_.rank() < 1 || labels_.size(0) != store_->size())
      fail("[images] {} images have labels of shape {}", store_->size(), str(labels_.sizes()));
    if (image_options_.n_classes > 0) {
      if (labels_.rank() != 1 || labels_.dtype() != DType::i64)
        fail("[images] one-hot labels are made of int64 [images]; got {} {}",
             name_of(labels_.dtype()), str(labels_.sizes()));
      for (const int64_t i : images_)
        if (const int64_t c = labels_.contiguous().data<int64_t>()[i];
            c < 0 || c >= image_options_.n_classes)
          fail("[images] '{}': its class {} is not in [0, {})", store_->name(i), c,
               image_options_.n_classes);
      fields.push_back({"label", Field::Role::label, DType::f32, Sizes{image_options_.n_classes}});
    } else {
      fields.push_back({"label", Field::Role::label, labels_.dtype(), row_of(labels_)});
    }
    labels_ = labels_.contiguous();
  }
  workspaces_.resize(static_cast<size_t>(image_options_.threads));
  set_samples(std::move(fields), static_cast<int64_t>(images_.size()));
}

int64_t ImageDataset::load(int64_t sample, int64_t epoch, images::Workspace& workspace,
                           float* dst) {
  const int64_t n = std::ssize(images_);
  for (int64_t tried = 0; tried < n; ++tried) {
    const int64_t image = images_[static_cast<size_t>((sample + tried) % n)];
    images::RandomStream random(options().seed, epoch, image);
    const Result<> done = [&]() -> Result<> {
      const Result<ImageBytes> file = store_->read(image);
      if (!file) return file.failure();
      return pipeline_->run(file.value().bytes, random, workspace, dst);
    }();
    if (done) return image;
    const std::string message =
        fmt::format("'{}': {}", store_->name(image), done.failure().message());
    bad_.add(image, message);
    if (image_options_.errors == ImageOptions::OnBad::raise) fail("[images] {}", message);
  }
  fail("[images] none of the {} images can be read; the first: {}", n, bad_.messages().front());
}

void ImageDataset::write_labels(const std::vector<int64_t>& images, BatchBuffer& out,
                                int64_t at) const {
  const Tensor& to = out.tensors()[1];
  if (image_options_.n_classes == 0) return copy_rows(labels_, images, to, at);
  const int64_t classes = image_options_.n_classes;
  float* row = to.data<float>() + at * classes;
  for (const int64_t image : images) {
    std::fill_n(row, classes, 0.0F);
    row[labels_.data<int64_t>()[image]] = 1.0F;
    row += classes;
  }
}

void ImageDataset::gather(std::span<const int64_t> samples, int64_t epoch, BatchBuffer& out,
                          int64_t at) {
  const auto n = static_cast<int64_t>(samples.size());
  const int64_t count = pipeline_->count();
  float* first = out.tensors()[0].data<float>() + at * count;
  std::vector<int64_t> loaded(samples.size());
  // One at a time: photos differ in size. After an error the rest is left.
  std::atomic<int64_t> next{0};
  const int threads = static_cast<int>(std::min<int64_t>(image_options_.threads, n));
  parallel_for(threads, threads, [&](int64_t thread, int64_t) {
    try {
      for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < n;)
        loaded[static_cast<size_t>(i)] =
            load(samples[static_cast<size_t>(i)], epoch, workspaces_[static_cast<size_t>(thread)],
                 first + i * count);
    } catch (...) {
      next = n;
      throw;
    }
  });
  if (!labels_.defined()) return;
  write_labels(loaded, out, at);
  const MixOptions& mix = image_options_.mix;
  if (mix.mixup + mix.cutmix <= 0) return;
  const std::vector<int64_t> shape = pipeline_->shape();
  const bool planes = shape[0] == pipeline_->channels() && shape[1] == pipeline_->height();
  const int64_t classes = image_options_.n_classes;
  mix_images({first, out.tensors()[1].data<float>() + at * classes, n, pipeline_->channels(),
              pipeline_->height(), pipeline_->width(), classes, planes},
             mix,
             mix_key(mix_key(options().seed, static_cast<uint64_t>(epoch)),
                     static_cast<uint64_t>(samples[0])));
}

uint64_t ImageDataset::digest() const {
  uint64_t digest = mix_key(store_->digest(), images_.size());
  for (const int64_t i : images_) digest = mix_key(digest, static_cast<uint64_t>(i));
  if (labels_.defined())
    digest = mix_key(digest, io::crc32c({labels_.data<std::byte>(), labels_.n_bytes()}));
  return mix_key(digest, io::crc32c(io::as_bytes(pipeline_->to_json().dump())));
}

}  // namespace andiron::train
