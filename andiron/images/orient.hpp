#pragma once

#include "andiron/images/image.hpp"

namespace andiron::images {

/// Turns and mirrors `image` as EXIF's orientation 1 to 8 says; `scratch` is memory to work in.
void orient(Image& image, int orientation, Image& scratch);
/// Whether width and height change places.
inline bool turns_sideways(int orientation) { return orientation >= 5; }

void flip_horizontally(Image& image);
void flip_vertically(Image& image);

}  // namespace andiron::images
