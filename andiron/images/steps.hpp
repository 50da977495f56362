#pragma once

#include <array>
#include <cstdint>
#include <variant>
#include <vector>

#include "andiron/images/resample.hpp"

// What a pipeline does with an image, step by step. Definitions are torchvision's where it has
// them.
namespace andiron::images {

/// height x width; with height == 0 the shorter side becomes `width`, the other one in proportion
/// (rounded down).
struct Resize {
  int64_t height = 0, width = 0;
  Filter filter = Filter::bilinear;
};

/// The middle; where the image is smaller, black around it.
struct CenterCrop {
  int64_t height = 0, width = 0;
};

/// Any place; `padding` black pixels are put around the image before.
struct RandomCrop {
  int64_t height = 0, width = 0, padding = 0;
};

/// A part of random area and proportions, resized (Szegedy et al., "Going deeper with
/// convolutions", 2015).
struct RandomResizedCrop {
  int64_t height = 0, width = 0;
  std::array<double, 2> scale = {0.08, 1.0};
  std::array<double, 2> ratio = {3.0 / 4.0, 4.0 / 3.0};
  Filter filter = Filter::bilinear;
};

struct RandomFlip {
  double horizontal = 0.5, vertical = 0.0;  ///< probabilities
};

/// Factors drawn uniformly from the ranges, applied in a random order. {1, 1} (and {0, 0} for the
/// hue): not at all.
struct ColourJitter {
  std::array<double, 2> brightness = {1, 1}, contrast = {1, 1}, saturation = {1, 1}, hue = {0, 0};
};

/// `n` of 14 operations at a magnitude of so many of `bins` (Cubuk et al., "RandAugment", 2019).
struct RandAugment {
  int64_t n = 2, magnitude = 9, bins = 31;
};

using Step = std::variant<Resize, CenterCrop, RandomCrop, RandomResizedCrop, RandomFlip,
                          ColourJitter, RandAugment>;

}  // namespace andiron::images
