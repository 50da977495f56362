#pragma once

#include "andiron/images/image.hpp"
#include "andiron/images/random_stream.hpp"
#include "andiron/images/steps.hpp"

// The operations of RandAugment that are not in colour.hpp; the same bits as Pillow's.
namespace andiron::images {

/// dst(x, y) = src(a x + b y + c, d x + e y + f) at pixel centres, the nearest pixel; black
/// outside. As Pillow's transform(size, AFFINE, (a, b, c, d, e, f)).
void affine(const Image& src, const std::array<double, 6>& matrix, Image& dst);
/// Away from the image smoothed by a kernel of 3 x 3.
void adjust_sharpness(Image& image, double factor, Image& scratch);
/// Keeps so many upper bits.
void posterize(Image& image, int bits);
/// Inverts what is at least `threshold`.
void solarize(Image& image, double threshold);
/// Stretches each channel to [0, 255].
void autocontrast(Image& image);
/// Levels each channel's histogram.
void equalize(Image& image);

void rand_augment(Image& image, const RandAugment& step, RandomStream& random, Image& scratch);

}  // namespace andiron::images
