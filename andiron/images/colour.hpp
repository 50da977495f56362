#pragma once

#include "andiron/images/image.hpp"
#include "andiron/images/random_stream.hpp"
#include "andiron/images/steps.hpp"

// In place, on RGB or grey. The same bits as Pillow, by which torchvision adjusts such images.
namespace andiron::images {

/// out = x * factor.
void adjust_brightness(Image& image, double factor);
/// Away from the mean of the grey image, which is rounded.
void adjust_contrast(Image& image, double factor);
/// Away from the grey image.
void adjust_saturation(Image& image, double factor);
/// Turns the hue by `turn` of a circle, in [-0.5, 0.5].
void adjust_hue(Image& image, double turn);

void jitter(Image& image, const ColourJitter& step, RandomStream& random);

}  // namespace andiron::images
