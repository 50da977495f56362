#include <cstdint>

#include "andiron/images/pipeline.hpp"

// Any bytes, with settings chosen by one of them: decoding and a whole pipeline must end with
// pixels or with a failure.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace andiron::images;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const unsigned choice = size == 0 ? 0 : data[size / 2];
  DecodeOptions options = {.max_pixels = 1 << 18};
  options.colour = (choice & 1) != 0 ? Colour::grey : Colour::rgb;
  options.allow_truncated = (choice & 2) != 0;
  if ((choice & 4) != 0) options.background = {{255, 128, 0}};
  if ((choice & 8) != 0) options.min_width = options.min_height = 3;
  static thread_local Image image;
  if (const auto done = decode(bytes, options, image); done) {
    if (image.width() * image.height() > options.max_pixels) __builtin_trap();
    if (image.channels() != ((choice & 1) != 0 ? 1 : 3)) __builtin_trap();
    // All of it is there: a read beyond it would be found.
    volatile uint8_t last = image.data()[image.n_bytes() - 1];
    (void)last;
  }
  std::vector<Step> steps;
  if ((choice & 16) != 0) {
    steps.emplace_back(RandomResizedCrop{.height = 9, .width = 11});
    steps.emplace_back(RandAugment{});
  } else {
    steps.emplace_back(Resize{.height = 0, .width = 12, .filter = Filter::lanczos});
    steps.emplace_back(CenterCrop{.height = 9, .width = 11});
  }
  // A side of one pixel beside thousands would be resized to millions.
  options.max_pixels = 1 << 14;
  const Pipeline pipeline(std::move(steps), options, {}, true);
  static thread_local Workspace workspace;
  std::vector<float> numbers(static_cast<size_t>(pipeline.count()));
  RandomStream random(choice, 0, 0);
  (void)pipeline.run(bytes, random, workspace, numbers.data());
  return 0;
}
