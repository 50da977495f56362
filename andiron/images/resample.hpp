#pragma once

#include <string_view>

#include "andiron/images/image.hpp"

namespace andiron::images {

/// How pixels of another grid are made of those that are there; all but `nearest` average over what
/// a pixel covers when the image becomes smaller (they are "antialiased").
enum class Filter { nearest, box, bilinear, hamming, bicubic, lanczos };

/// Throws Error naming the filters there are.
Filter filter_from(std::string_view name);
std::string_view name_of(Filter filter);

/// A rectangle of the source, in pixels; edges may lie within pixels.
struct Box {
  float left = 0, top = 0, right = 0, bottom = 0;
};
/// Pixels of the result.
struct Window {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// An image of width x height pixels, of which `pixels` are those from (x, y) on.
struct Part {
  const Image& pixels;
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// `box` of `src` becomes width x height pixels, of which `window` is computed into `dst`. The same
/// bits as Pillow's Image.resize((width, height), filter, box), cut to the window (Pillow's
/// src/libImaging/Resample.c: two passes with weights of 22 fractional bits, 8 bits between them).
/// Does not allocate once `scratch` and `dst` have had that size but for the weights.
/// REQUIRES 1 or 3 channels; box within the image and not empty; window within the result and not
/// empty; the pixels of `sources` there; dst, scratch and src apart.
void resample(const Part& src, const Box& box, int64_t width, int64_t height, const Window& window,
              Filter filter, Image& scratch, Image& dst);

/// Which pixels of an image of src_width x src_height these arguments of `resample` take.
Window sources(int64_t src_width, int64_t src_height, const Box& box, int64_t width, int64_t height,
               const Window& window, Filter filter);

/// The whole image.
void resize(const Image& src, int64_t width, int64_t height, Filter filter, Image& scratch,
            Image& dst);

}  // namespace andiron::images
