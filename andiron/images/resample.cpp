#include "andiron/images/resample.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "andiron/base/error.hpp"
#include "andiron/base/isa.hpp"
#include "andiron/images/resample_table.hpp"

namespace andiron::images {

namespace {

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"nearest", Filter::nearest}, {"box", Filter::box},         {"bilinear", Filter::bilinear},
    {"hamming", Filter::hamming}, {"bicubic", Filter::bicubic}, {"lanczos", Filter::lanczos},
};

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double support_of(Filter filter) {
  switch (filter) {
    case Filter::box:
      return 0.5;
    case Filter::bicubic:
      return 2.0;
    case Filter::lanczos:
      return 3.0;
    default:
      return 1.0;
  }
}

// The weight at distance x. In the order of operations of Pillow's, for the same roundings.
double weight(Filter filter, double x) {
  constexpr double kA = -0.5;  // Keys, "Cubic convolution interpolation", 1981
  if (filter == Filter::box) return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
  if (filter == Filter::lanczos) return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
  if (x < 0.0) x = -x;
  if (filter == Filter::bicubic) {
    if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1;
    return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * kA : 0.0;
  }
  if (filter == Filter::bilinear) return x < 1.0 ? 1.0 - x : 0.0;
  if (x == 0.0) return 1.0;
  if (x >= 1.0) return 0.0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54F + 0.46F * std::cos(x));
}

// Where the pixels of an axis lie on the source's.
struct Grid {
  double begin, scale, filter_scale, support;
  int64_t src_size;

  Grid(int64_t src_size_, float begin_of_box, float end_of_box, int64_t size, Filter filter)
      : begin(begin_of_box),
        scale(static_cast<double>(end_of_box - begin_of_box) / static_cast<double>(size)),
        filter_scale(std::max(scale, 1.0)),
        support(support_of(filter) * filter_scale),
        src_size(src_size_) {}
  double center(int64_t i) const { return begin + (static_cast<double>(i) + 0.5) * scale; }
  int64_t low(int64_t i) const {
    return std::max<int64_t>(0, static_cast<int64_t>(center(i) - support + 0.5));
  }
  int64_t high(int64_t i) const {  // behind the last one
    return std::min(src_size, static_cast<int64_t>(center(i) + support + 0.5));
  }
};

// Whether an axis changes; one that does not is not filtered.
bool turns(int64_t src_size, float begin_of_box, float end_of_box, int64_t size) {
  return size != src_size || begin_of_box != 0 || end_of_box != static_cast<float>(size);
}

// The weights along one axis, for pixels [begin, begin + n) of `size`; of the source's pixels there
// are those from `origin` on.
struct Axis {
  std::vector<int32_t> first, count, plain, packed;
  std::vector<double> exact;
  Taps taps = {};

  void prepare(const Grid& grid, int64_t begin, int64_t n, int64_t origin, Filter filter,
               const ResampleKernels& kernels) {
    const double inverse = 1.0 / grid.filter_scale;
    const int64_t groups =
        (static_cast<int64_t>(std::ceil(grid.support)) * 2 + 1 + kGroup - 1) / kGroup;
    const auto row = static_cast<size_t>(groups * kGroup);
    first.resize(static_cast<size_t>(n));
    count.resize(static_cast<size_t>(n));
    plain.assign(static_cast<size_t>(n) * row, 0);
    packed.resize(static_cast<size_t>(n) * row);
    exact.resize(row);
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
      const int64_t at = begin + static_cast<int64_t>(i);
      const double center = grid.center(at);
      const int64_t low = grid.low(at), high = grid.high(at);
      const int64_t taps_here = std::max<int64_t>(high - low, 0);
      double sum = 0.0;
      for (int64_t t = 0; t < taps_here; ++t) {
        const double w = weight(filter, (static_cast<double>(t + low) - center + 0.5) * inverse);
        exact[static_cast<size_t>(t)] = w;
        sum += w;
      }
      int32_t* to = plain.data() + i * row;
      for (int64_t t = 0; t < taps_here; ++t) {
        double w = exact[static_cast<size_t>(t)];
        if (sum != 0.0) w /= sum;
        w *= 1 << kWeightBits;
        to[t] = static_cast<int32_t>(w < 0 ? w - 0.5 : w + 0.5);
      }
      first[i] = static_cast<int32_t>(low - origin);
      count[i] = static_cast<int32_t>(taps_here);
      for (size_t g = 0; g < row; g += kGroup) kernels.pack(to + g, packed.data() + i * row + g);
    }
    taps = {first.data(), count.data(), plain.data(), packed.data(), groups};
  }
};

void horizontal_grey(const uint8_t* src, int64_t src_stride, int64_t rows, const Taps& taps,
                     int64_t n, uint8_t* dst, int64_t dst_stride) {
  for (int64_t y = 0; y < rows; ++y, src += src_stride, dst += dst_stride)
    for (int64_t i = 0; i < n; ++i) {
      const uint8_t* from = src + taps.first[i];
      const int32_t* w = taps.plain + i * taps.groups * kGroup;
      int32_t sum = 1 << (kWeightBits - 1);
      for (int32_t t = 0; t < taps.count[i]; ++t) sum += from[t] * w[t];
      dst[i] = static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
    }
}

// Positions step by step from the first one, as Pillow adds them up.
std::vector<int64_t> nearest_positions(float begin, float end, int64_t size, int64_t src_size) {
  std::vector<int64_t> at(static_cast<size_t>(size));
  const double step = static_cast<double>(end - begin) / static_cast<double>(size);
  double position = begin + step * 0.5;
  for (int64_t& x : at) {
    x = std::clamp<int64_t>(static_cast<int64_t>(position), 0, src_size - 1);
    position += step;
  }
  return at;
}

void resample_nearest(const Part& src, const Box& box, int64_t width, int64_t height,
                      const Window& window, Image& dst) {
  const auto columns = nearest_positions(box.left, box.right, width, src.width);
  const auto rows = nearest_positions(box.top, box.bottom, height, src.height);
  const int64_t c = src.pixels.channels();
  dst.reset(window.width, window.height, c);
  for (int64_t y = 0; y < window.height; ++y) {
    const uint8_t* from = src.pixels.row(rows[static_cast<size_t>(window.y + y)] - src.y);
    uint8_t* to = dst.row(y);
    for (int64_t x = 0; x < window.width; ++x, to += c)
      std::copy_n(from + (columns[static_cast<size_t>(window.x + x)] - src.x) * c, c, to);
  }
}

void copy_part(const Image& src, int64_t x, int64_t y, Image& dst) {
  for (int64_t i = 0; i < dst.height(); ++i)
    std::copy_n(src.row(y + i) + x * src.channels(), dst.row_bytes(), dst.row(i));
}

// Rows [first_row, first_row + to.height) of `from`.
void pass_across(const Image& from, int64_t first_row, const Axis& axis,
                 const ResampleKernels& kernels, Image& to) {
  (from.channels() == 3 ? kernels.horizontal_rgb : horizontal_grey)(
      from.row(first_row), from.row_bytes(), to.height(), axis.taps, to.width(), to.data(),
      to.row_bytes());
}

// Bytes [first_byte, first_byte + to.row_bytes) of each row; `from` begins with row `origin`.
void pass_down(const Image& from, int64_t origin, int64_t first_byte, const Axis& axis,
               const ResampleKernels& kernels, Image& to) {
  for (int64_t y = 0; y < to.height(); ++y) {
    const auto i = static_cast<size_t>(y);
    kernels.vertical(from.row(axis.first[i] - origin) + first_byte, from.row_bytes(),
                     axis.packed.data() + i * static_cast<size_t>(axis.taps.groups * kGroup),
                     axis.count[i], to.row(y), to.row_bytes());
  }
}

const ResampleKernels& kernels_of_cpu() {
  return current_isa() == Isa::avx512 ? avx512::resample_kernels : avx2::resample_kernels;
}

}  // namespace

Filter filter_from(std::string_view name) {
  for (const auto& [known, filter] : kFilters)
    if (known == name) return filter;
  fail(
      "[resize] the interpolation is \"nearest\", \"box\", \"bilinear\", \"hamming\", \"bicubic\" "
      "or \"lanczos\"; got \"{}\"",
      name);
}

std::string_view name_of(Filter filter) {
  for (const auto& [name, known] : kFilters)
    if (known == filter) return name;
  return "";
}

void resample(const Part& part, const Box& box, int64_t width, int64_t height, const Window& window,
              Filter filter, Image& scratch, Image& dst) {
  if (filter == Filter::nearest) return resample_nearest(part, box, width, height, window, dst);
  const ResampleKernels& kernels = kernels_of_cpu();
  // Kept from call to call: images of one data set mostly have one size.
  thread_local Axis across, down;
  const Image& src = part.pixels;
  const int64_t c = src.channels();
  const bool turn_x = turns(part.width, box.left, box.right, width);
  const bool turn_y = turns(part.height, box.top, box.bottom, height);
  if (turn_x)
    across.prepare({part.width, box.left, box.right, width, filter}, window.x, window.width, part.x,
                   filter, kernels);
  if (turn_y)
    down.prepare({part.height, box.top, box.bottom, height, filter}, window.y, window.height,
                 part.y, filter, kernels);
  const int64_t x = window.x - part.x, y = window.y - part.y;  // for axes that do not change
  dst.reset(window.width, window.height, c);
  if (!turn_x && !turn_y) return copy_part(src, x, y, dst);
  if (!turn_y) return pass_across(src, y, across, kernels, dst);
  if (!turn_x) return pass_down(src, 0, x * c, down, kernels, dst);
  // The order matters for the last bit: between the passes there are 8 bits. Pillow 13's rule.
  if (height < part.height && part.height - height > 2 * (part.width - width)) {
    scratch.reset(src.width(), window.height, c);
    pass_down(src, 0, 0, down, kernels, scratch);
    return pass_across(scratch, 0, across, kernels, dst);
  }
  const int64_t first = down.first.front();
  scratch.reset(window.width, down.first.back() + down.count.back() - first, c);
  pass_across(src, first, across, kernels, scratch);
  pass_down(scratch, first, 0, down, kernels, dst);
}

Window sources(int64_t src_width, int64_t src_height, const Box& box, int64_t width, int64_t height,
               const Window& window, Filter filter) {
  struct Range {
    int64_t begin, end;
  };
  const auto along = [&](int64_t src_size, float begin, float end, int64_t size, int64_t first,
                         int64_t n) -> Range {
    if (filter == Filter::nearest) {
      const auto at = nearest_positions(begin, end, size, src_size);
      return {at[static_cast<size_t>(first)], at[static_cast<size_t>(first + n - 1)] + 1};
    }
    if (!turns(src_size, begin, end, size)) return {first, first + n};
    const Grid grid(src_size, begin, end, size, filter);
    return {grid.low(first), grid.high(first + n - 1)};
  };
  const Range x = along(src_width, box.left, box.right, width, window.x, window.width);
  const Range y = along(src_height, box.top, box.bottom, height, window.y, window.height);
  return {x.begin, y.begin, x.end - x.begin, y.end - y.begin};
}

void resize(const Image& src, int64_t width, int64_t height, Filter filter, Image& scratch,
            Image& dst) {
  resample({src, 0, 0, src.width(), src.height()},
           {0, 0, static_cast<float>(src.width()), static_cast<float>(src.height())}, width, height,
           {0, 0, width, height}, filter, scratch, dst);
}

}  // namespace andiron::images
