#pragma once

#include "andiron/images/random_stream.hpp"
#include "andiron/images/steps.hpp"

namespace andiron::images {

/// Height and width that `step` makes of an image of this size.
Window size_after(const Resize& step, int64_t width, int64_t height);
/// The middle; x and y are negative where the image is smaller.
Window middle(const CenterCrop& step, int64_t width, int64_t height);
/// torchvision's get_params: ten tries, then the middle.
Window draw_part(const RandomResizedCrop& step, int64_t width, int64_t height,
                 RandomStream& random);

/// `window` of src, black where it reaches beyond; into dst.
void crop(const Image& src, const Window& window, Image& dst);

}  // namespace andiron::images
