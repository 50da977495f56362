#include "andiron/train/data/image_dataset.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "andiron/images/images_testing.hpp"
#include "andiron/train/data/batch_stream.hpp"

namespace andiron::train {
namespace {

using images::testing::File;
using images::testing::jpeg_of;
using images::testing::picture;

std::shared_ptr<ImageStore> store_of(const std::vector<File>& files) {
  std::vector<int64_t> offsets = {0};
  std::vector<uint8_t> data;
  for (const File& file : files) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(file.data());
    data.insert(data.end(), bytes, bytes + file.size());
    offsets.push_back(std::ssize(data));
  }
  return image_column(Tensor::from(data, {std::ssize(data)}),
                      Tensor::from(offsets, {std::ssize(offsets)}), {});
}

std::vector<File> photos(int64_t n) {
  std::vector<File> files;
  for (int64_t i = 0; i < n; ++i)
    files.push_back(jpeg_of(picture(30 + i, 40 - i, 3, static_cast<uint64_t>(i))));
  return files;
}

std::shared_ptr<images::Pipeline> augmenting() {
  std::vector<images::Step> steps;
  steps.emplace_back(images::RandomResizedCrop{.height = 12, .width = 10});
  steps.emplace_back(images::RandomFlip{});
  steps.emplace_back(images::ColourJitter{{0.5, 1.5}, {0.5, 1.5}, {0.5, 1.5}, {-0.1, 0.1}});
  steps.emplace_back(images::RandAugment{});
  return std::make_shared<images::Pipeline>(std::move(steps), images::DecodeOptions{},
                                            images::Output{}, true);
}

std::shared_ptr<ImageDataset> dataset_of(const std::vector<File>& files, ImageOptions given,
                                         DataOptions options) {
  const auto n = std::ssize(files);
  std::vector<int64_t> rows, labels;
  for (int64_t i = 0; i < n; ++i) rows.push_back(i), labels.push_back(i % 3);
  return std::make_shared<ImageDataset>(store_of(files), rows, Tensor::from(labels, {n}),
                                        augmenting(), given, options);
}

std::vector<float> epoch_of(ImageDataset& dataset, int64_t epoch) {
  std::vector<float> all;
  BatchBuffer buffer = dataset.make_buffer();
  for (int64_t b = 0; b < dataset.n_batches(); ++b) {
    EXPECT_TRUE(dataset.fill(epoch, b, buffer));
    for (const Tensor& t : buffer.tensors()) {
      const Tensor floats = t.cast(DType::f32);
      all.insert(all.end(), floats.data<float>(), floats.data<float>() + floats.count());
    }
  }
  return all;
}

TEST(ImageDataset, batches_do_not_depend_on_threads) {
  ImageOptions mixed = {.n_classes = 3, .mix = {.mixup = 0.4, .cutmix = 1.0}};
  const auto files = photos(11);
  const DataOptions options = {.batch_size = 4, .seed = 3};
  const auto one = dataset_of(files, mixed, options);
  mixed.threads = 3;
  const auto three = dataset_of(files, mixed, options);
  for (const int64_t epoch : {0, 1, 0}) EXPECT_EQ(epoch_of(*one, epoch), epoch_of(*three, epoch));
  EXPECT_NE(epoch_of(*one, 0), epoch_of(*one, 1));
  EXPECT_EQ(one->digest(), three->digest());
}

TEST(ImageDataset, labels_stay_with_their_images) {
  const auto files = photos(9);
  const auto dataset = dataset_of(files, {.threads = 2}, {.batch_size = 4, .shuffle = false});
  BatchBuffer buffer = dataset->make_buffer();
  ASSERT_TRUE(dataset->fill(0, 1, buffer));
  EXPECT_THAT(std::vector<int64_t>(buffer.tensors()[1].data<int64_t>(),
                                   buffer.tensors()[1].data<int64_t>() + 4),
              ::testing::ElementsAre(1, 2, 0, 1));
}

TEST(ImageDataset, skips_what_cannot_be_read_and_counts_it_once) {
  auto files = photos(6);
  files[1].resize(files[1].size() / 2);
  files[2].clear();
  const auto dataset = dataset_of(files, {.errors = ImageOptions::OnBad::skip, .threads = 2},
                                  {.batch_size = 6, .shuffle = false});
  BatchBuffer buffer = dataset->make_buffer();
  for (int epoch = 0; epoch < 2; ++epoch) ASSERT_TRUE(dataset->fill(epoch, 0, buffer));
  // The next one that can be read, with its own label.
  EXPECT_THAT(std::vector<int64_t>(buffer.tensors()[1].data<int64_t>(),
                                   buffer.tensors()[1].data<int64_t>() + 6),
              ::testing::ElementsAre(0, 0, 0, 0, 1, 2));
  EXPECT_EQ(dataset->bad().count(), 2);
  EXPECT_THAT(dataset->bad().messages(),
              ::testing::ElementsAre(::testing::HasSubstr("'row 1': the JPEG is truncated"),
                                     ::testing::HasSubstr("'row 2': the image has 0 bytes")));
}

TEST(ImageDataset, raises_what_cannot_be_read) {
  auto files = photos(5);
  files[3] = File(100, std::byte{'x'});
  const auto dataset = dataset_of(files, {.threads = 2}, {.batch_size = 5, .shuffle = false});
  BatchStream stream(dataset, 1);
  EXPECT_THAT([&] { stream.next(); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("'row 3': 100 bytes are no")));
}

TEST(ImageDataset, nothing_but_bad_images_is_an_error) {
  const std::vector<File> files(3, File(10, std::byte{0}));
  const auto dataset = dataset_of(files, {.errors = ImageOptions::OnBad::skip}, {.batch_size = 2});
  BatchBuffer buffer = dataset->make_buffer();
  EXPECT_THAT([&] { dataset->fill(0, 0, buffer); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("none of the 3 images")));
}

TEST(ImageDataset, mixed_labels_sum_to_one) {
  const auto dataset = dataset_of(photos(8), {.n_classes = 3, .mix = {.mixup = 1.0}},
                                  {.batch_size = 8, .shuffle = false});
  BatchBuffer buffer = dataset->make_buffer();
  ASSERT_TRUE(dataset->fill(0, 0, buffer));
  const float* labels = buffer.tensors()[1].data<float>();
  int mixed = 0;
  for (int i = 0; i < 8; ++i) {
    EXPECT_NEAR(labels[3 * i] + labels[3 * i + 1] + labels[3 * i + 2], 1.0F, 1e-6F);
    for (int c = 0; c < 3; ++c) mixed += labels[3 * i + c] > 0 && labels[3 * i + c] < 1 ? 1 : 0;
  }
  EXPECT_GT(mixed, 0);
}

TEST(ImageDataset, columns_that_leave_their_data_are_refused) {
  const Tensor data = Tensor::zeros(DType::u8, {10});
  for (const std::vector<int64_t>& bad :
       {std::vector<int64_t>{0, 11}, {-1, 5}, {0, 6, 5}, {0, 5, INT64_MAX}})
    EXPECT_THROW(image_column(data, Tensor::from(bad, {std::ssize(bad)}), {}), Error);
}

}  // namespace
}  // namespace andiron::train
