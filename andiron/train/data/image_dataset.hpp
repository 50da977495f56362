#pragma once

#include <memory>
#include <vector>

#include "andiron/images/pipeline.hpp"
#include "andiron/train/data/bad_images.hpp"
#include "andiron/train/data/dataset.hpp"
#include "andiron/train/data/image_mix.hpp"
#include "andiron/train/data/image_store.hpp"

namespace andiron::train {

struct ImageOptions {
  /// What an image that cannot be read does: it ends the reading, or the next one that can be read
  /// stands in its place, with its own label.
  enum class OnBad { raise, skip };
  OnBad errors = OnBad::raise;
  int threads = 1;
  int64_t n_classes = 0;  ///< labels become one-hot rows of so many; 0: they stay as they are
  MixOptions mix = {};    ///< needs one-hot labels
};

/// Images decoded and augmented on several threads, as fields "image" (float32, the pipeline's
/// shape) and "label". What becomes of an image is a function of (seed, epoch, image), so batches
/// do not depend on the number of threads.
class ImageDataset : public Dataset {
 public:
  /// `images`: which of the store, in order. `labels`: rows by the store's numbers, any numbers;
  /// undefined: no labels. Throws Error for numbers out of range.
  ImageDataset(std::shared_ptr<const ImageStore> store, std::vector<int64_t> images, Tensor labels,
               std::shared_ptr<const images::Pipeline> pipeline, ImageOptions image_options,
               DataOptions options);

  const BadImages& bad() const { return bad_; }
  /// Names or bytes of the images, labels and steps.
  uint64_t digest() const;

 protected:
  void gather(std::span<const int64_t> samples, int64_t epoch, BatchBuffer& out,
              int64_t at) override;

 private:
  /// The image of `sample` or, where that is bad, what stands for it; returns its number.
  int64_t load(int64_t sample, int64_t epoch, images::Workspace& workspace, float* dst);
  void write_labels(const std::vector<int64_t>& images, BatchBuffer& out, int64_t at) const;

  std::shared_ptr<const ImageStore> store_;
  std::vector<int64_t> images_;
  Tensor labels_;
  std::shared_ptr<const images::Pipeline> pipeline_;
  ImageOptions image_options_;
  BadImages bad_;
  std::vector<images::Workspace> workspaces_;
};

}  // namespace andiron::train
