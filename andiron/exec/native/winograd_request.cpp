#include "andiron/exec/native/winograd_request.hpp"

namespace andiron::exec {

bool winograd_possible(const KernelRequest& request, const ops::ConvShape& s) {
  const ops::Window& w = s.window;
  const bool square = w.rank() == 2 && w.kernel[0] == w.kernel[1];
  if (request.dst[0].dtype != DType::f32 || !s.channels_last || s.groups != 1 || !square)
    return false;
  if (w.kernel[0] != 3 && w.kernel[0] != 5) return false;
  auto ones = [](const std::vector<int64_t>& v) { return v[0] == 1 && v[1] == 1; };
  auto inside = [](const std::vector<int64_t>& v, int64_t k) {
    return v[0] >= 0 && v[1] >= 0 && v[0] < k && v[1] < k;
  };
  return ones(w.strides) && ones(w.dilations) && inside(w.begin, w.kernel[0]) &&
         inside(w.end, w.kernel[0]) && s.src.count() != Dim(0) && s.dst.count() != Dim(0);
}

// Floating point operations of both ways, with those that take as long as transforms and as
// reading weights that no cache holds.
bool winograd_pays(const WinogradShape& s) {
  const double pairs = static_cast<double>(s.channels) * static_cast<double>(s.filters);
  const auto tiles = static_cast<double>(s.tiles());
  const auto taps = static_cast<double>(s.kernel * s.kernel);
  const double pixels = static_cast<double>(s.samples * s.out_height * s.out_width);
  const double direct = pixels * pairs * taps * 2.2 + pairs * taps * 40.0;
  const double ours = tiles * pairs * 90.0 + tiles * static_cast<double>(s.channels) * 480.0 +
                      tiles * static_cast<double>(s.filters) * 360.0 +
                      pairs * WinogradShape::kPositions * 40.0;
  return s.channels >= 8 && s.filters >= 8 && ours * 1.1 < direct;
}

WinogradShape winograd_shape(const ops::ConvShape& s, int64_t src_stride, int64_t dst_stride) {
  const Sizes src = s.src.sizes(), dst = s.dst.sizes();
  return {src[0],
          src[2],
          src[3],
          src[1],
          dst[2],
          dst[3],
          dst[1],
          src_stride,
          dst_stride,
          s.window.begin[0],
          s.window.begin[1],
          s.window.kernel[0]};
}

WinogradShape winograd_shape_of_grad_src(const ops::ConvShape& s, int64_t grad_stride,
                                         int64_t src_stride) {
  const Sizes src = s.dst.sizes(), dst = s.src.sizes();
  const int64_t last = s.window.kernel[0] - 1;
  return {src[0],
          src[2],
          src[3],
          src[1],
          dst[2],
          dst[3],
          dst[1],
          grad_stride,
          src_stride,
          last - s.window.begin[0],
          last - s.window.begin[1],
          s.window.kernel[0]};
}

}  // namespace andiron::exec
