#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "andiron/images/decode.hpp"
#include "andiron/images/random_stream.hpp"
#include "andiron/images/steps.hpp"

namespace andiron::images {

/// How pixels become numbers: (x * scale - mean[c]) / std[c], planes (CHW) or pixels (HWC).
struct Output {
  double scale = 1.0;
  std::array<double, 3> mean = {0, 0, 0}, std = {1, 1, 1};
  bool channels_first = true;
};

/// Memory that one thread works in.
struct Workspace {
  Image image, other, scratch;
};

/// From the bytes of a file to numbers of a fixed shape.
/// Thread safety: `run` from many threads, each with a workspace of its own.
class Pipeline {
 public:
  /// Throws Error when the steps make no sense or end with a size that depends on the image.
  Pipeline(std::vector<Step> steps, DecodeOptions decode, Output output, bool scaled_decode);
  /// As to_json writes them; see pipeline_json.cpp.
  static Pipeline from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }
  int64_t channels() const { return decode_.colour == Colour::grey ? 1 : 3; }
  /// Numbers of a sample: [C, H, W] or [H, W, C].
  std::vector<int64_t> shape() const;
  int64_t count() const { return height_ * width_ * channels(); }
  /// Whether a sample depends on random numbers.
  bool random() const;

  /// Writes `count()` numbers to dst. With a failure dst is untouched.
  Result<> run(std::span<const std::byte> bytes, RandomStream& random, Workspace& workspace,
               float* dst) const;
  /// The pixels before they become numbers, in workspace.image.
  Result<> pixels(std::span<const std::byte> bytes, RandomStream& random,
                  Workspace& workspace) const;
  const DecodeOptions& decode_options() const { return decode_; }

 private:
  void to_numbers(const Image& image, float* dst) const;

  std::vector<Step> steps_;
  DecodeOptions decode_;
  Output output_;
  bool scaled_decode_;
  int64_t height_ = 0, width_ = 0;
  float scale_[3] = {}, shift_[3] = {};
};

}  // namespace andiron::images
