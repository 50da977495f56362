#include "andiron/images/pipeline.hpp"

#include <algorithm>
#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/base/isa.hpp"
#include "andiron/images/augment.hpp"
#include "andiron/images/colour.hpp"
#include "andiron/images/crop.hpp"
#include "andiron/images/normalize_table.hpp"
#include "andiron/images/orient.hpp"

namespace andiron::images {

namespace {

// A JPEG comes at the smallest of its sizes that is at least so many times what it is resized to.
// Twice is what Pillow's thumbnail keeps, and costs a fifth of our speed; docs/images.md says how
// far from a full decode either is.
constexpr double kGap = 1.0;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

template <class... F>
auto match(const Step& step, F&&... f) {
  return std::visit(Overloaded<std::decay_t<F>...>{std::forward<F>(f)...}, step);
}

void check_size(const char* name, int64_t height, int64_t width) {
  constexpr int64_t kMost = 1 << 14;
  if (height < 1 || width < 1 || height > kMost || width > kMost)
    fail("[images] {}: height and width must be in [1, {}]; got {} x {}", name, kMost, height,
         width);
}

void check_range(const char* name, const std::array<double, 2>& range, double low, double high) {
  if (!(low <= range[0] && range[0] <= range[1] && range[1] <= high))
    fail("[images] {} must be a range within [{}, {}]; got [{}, {}]", name, low, high, range[0],
         range[1]);
}

void check_probability(const char* name, double p) {
  if (!(0.0 <= p && p <= 1.0)) fail("[images] {} must be in [0, 1]; got {}", name, p);
}

void check(const Step& step) {
  match(
      step,
      [](const Resize& s) { check_size("Resize", s.height == 0 ? s.width : s.height, s.width); },
      [](const CenterCrop& s) { check_size("CenterCrop", s.height, s.width); },
      [](const RandomCrop& s) {
        check_size("RandomCrop", s.height, s.width);
        if (s.padding < 0 || s.padding > 1 << 14)
          fail("[images] RandomCrop: padding must be in [0, 16384]; got {}", s.padding);
      },
      [](const RandomResizedCrop& s) {
        check_size("RandomResizedCrop", s.height, s.width);
        check_range("RandomResizedCrop: scale", s.scale, 1e-6, 1.0);
        check_range("RandomResizedCrop: ratio", s.ratio, 1e-3, 1e3);
      },
      [](const RandomFlip& s) {
        check_probability("RandomFlip: horizontal", s.horizontal);
        check_probability("RandomFlip: vertical", s.vertical);
      },
      [](const ColourJitter& s) {
        check_range("ColorJitter: brightness", s.brightness, 0, 1e3);
        check_range("ColorJitter: contrast", s.contrast, 0, 1e3);
        check_range("ColorJitter: saturation", s.saturation, 0, 1e3);
        check_range("ColorJitter: hue", s.hue, -0.5, 0.5);
      },
      [](const RandAugment& s) {
        if (s.n < 0 || s.n > 100) fail("[images] RandAugment: n must be in [0, 100]; got {}", s.n);
        if (s.bins < 2 || s.magnitude < 0 || s.magnitude >= s.bins)
          fail("[images] RandAugment: magnitude must be in [0, bins={}); got {}", s.bins,
               s.magnitude);
      });
}

bool draws(const Step& step) {
  return !std::holds_alternative<Resize>(step) && !std::holds_alternative<CenterCrop>(step);
}

bool within(const Window& w, int64_t width, int64_t height) {
  return w.x >= 0 && w.y >= 0 && w.x + w.width <= width && w.y + w.height <= height;
}

// The decoder's least width for a resize by out / in, where all of the image has `whole` pixels.
int64_t least(int64_t whole, int64_t out, int64_t in) {
  return static_cast<int64_t>(std::ceil(kGap * static_cast<double>(whole) *
                                        static_cast<double>(out) / static_cast<double>(in)));
}

// One image's way through the steps.
class Walk : public Wanted {
 public:
  Walk(const std::vector<Step>& steps, RandomStream& random, Workspace& workspace,
       int64_t max_pixels, bool scaled_decode)
      : steps_(steps),
        random_(random),
        w_(workspace),
        max_pixels_(max_pixels),
        scaled_decode_(scaled_decode) {}

  // How small a JPEG may come for the first step.
  void begin(const Header& header, DecodeOptions& options) override {
    full_ = {0, 0, header.width, header.height};
    if (steps_.empty()) return;
    if (const auto* s = std::get_if<RandomResizedCrop>(&steps_.front()))
      part_ = draw_part(*s, header.width, header.height, random_);
    if (!scaled_decode_) return;
    if (const auto* s = std::get_if<Resize>(&steps_.front())) {
      const Window size = size_after(*s, header.width, header.height);
      options.min_width = least(1, size.width, 1);
      options.min_height = least(1, size.height, 1);
    } else if (const auto* s = std::get_if<RandomResizedCrop>(&steps_.front())) {
      options.min_width = least(header.width, s->width, part_.width);
      options.min_height = least(header.height, s->height, part_.height);
    }
  }

  // Which of its pixels the first step takes.
  Window part(int64_t width, int64_t height) override {
    const Window whole = {0, 0, width, height};
    if (steps_.empty()) return whole;
    if (const auto* s = std::get_if<Resize>(&steps_.front())) {
      const auto [size, window, crops] = resized(*s, 0, full_.width, full_.height);
      if (window.width > max_pixels_ / window.height) return whole;  // fails when it is taken
      return overlap(
          sources(width, height, box_of(whole), size.width, size.height, window, s->filter), whole);
    }
    if (const auto* s = std::get_if<CenterCrop>(&steps_.front()))
      return overlap(middle(*s, width, height), whole);
    if (const auto* s = std::get_if<RandomCrop>(&steps_.front())) {
      place_of_crop_ = draw_place(*s, width, height);
      return overlap(*place_of_crop_, whole);
    }
    if (const auto* s = std::get_if<RandomResizedCrop>(&steps_.front())) {
      if (width == full_.width && height == full_.height) return part_;
      return overlap(sources(width, height, scaled_part(width, height), s->width, s->height,
                             {0, 0, s->width, s->height}, s->filter),
                     whole);
    }
    return whole;
  }

  Result<> all(const Decoded& decoded) {
    place_ = decoded;
    for (at_ = 0; at_ < steps_.size() && !failure_; ++at_) {
      std::visit([this](const auto& s) { take(s); }, steps_[at_]);
      place_ = {.width = w_.image.width(), .height = w_.image.height()};
    }
    if (failure_) return *failure_;
    return success();
  }

 private:
  static Box box_of(const Window& w) {
    return {static_cast<float>(w.x), static_cast<float>(w.y), static_cast<float>(w.x + w.width),
            static_cast<float>(w.y + w.height)};
  }
  // At least a pixel.
  static Window overlap(const Window& w, const Window& whole) {
    const auto along = [](int64_t begin, int64_t n, int64_t size) {
      const int64_t first = std::clamp<int64_t>(begin, 0, size - 1);
      return std::pair(first, std::clamp(begin + n, first + 1, size) - first);
    };
    const auto [x, width] = along(w.x, w.width, whole.width);
    const auto [y, height] = along(w.y, w.height, whole.height);
    return {x, y, width, height};
  }

  struct Resized {
    Window size, window;  // of which that is wanted
    bool crops = false;   // as the next step would
  };
  Resized resized(const Resize& s, size_t at, int64_t width, int64_t height) const {
    const Window size = size_after(s, width, height);
    if (at + 1 < steps_.size())
      if (const auto* crop = std::get_if<CenterCrop>(&steps_[at + 1])) {
        const Window inner = middle(*crop, size.width, size.height);
        if (within(inner, size.width, size.height)) return {size, inner, true};
      }
    return {size, size, false};
  }

  void take(const Resize& s) {
    // The size follows from the image as it is, not from the size at which a JPEG was decoded.
    const bool first = at_ == 0;
    const auto [size, window, crops] =
        resized(s, at_, first ? full_.width : place_.width, first ? full_.height : place_.height);
    // One row of many pixels becomes many rows of many more.
    if (window.width > max_pixels_ / window.height) {
      failure_ = failure(
          "an image of {} x {} pixels would be resized to {} x {}, more than "
          "max_pixels={}",
          place_.width, place_.height, size.width, size.height, max_pixels_);
      return;
    }
    if (crops) ++at_;
    if (size.width == place_.width && size.height == place_.height) return cut(window);
    const Window whole = {0, 0, place_.width, place_.height};
    change(whole, box_of(whole), size, window, s.filter);
  }
  void take(const CenterCrop& s) { cut(middle(s, place_.width, place_.height)); }
  void take(const RandomCrop& s) {
    cut(at_ == 0 && place_of_crop_ ? *place_of_crop_ : draw_place(s, place_.width, place_.height));
  }
  void take(const RandomResizedCrop& s) {
    if (at_ > 0) {
      full_ = {0, 0, place_.width, place_.height};
      part_ = draw_part(s, full_.width, full_.height, random_);
    }
    const Window size = {0, 0, s.width, s.height};
    if (full_.width == place_.width && full_.height == place_.height)
      change(part_, box_of({0, 0, part_.width, part_.height}), size, size, s.filter);
    else  // pixels beyond the part reach into it
      change({0, 0, place_.width, place_.height}, scaled_part(place_.width, place_.height), size,
             size, s.filter);
  }
  void take(const RandomFlip& s) {
    if (s.horizontal > 0 && random_.happens(s.horizontal)) flip_horizontally(w_.image);
    if (s.vertical > 0 && random_.happens(s.vertical)) flip_vertically(w_.image);
  }
  void take(const ColourJitter& s) { jitter(w_.image, s, random_); }
  void take(const RandAugment& s) { rand_augment(w_.image, s, random_, w_.other); }

  Window draw_place(const RandomCrop& s, int64_t width, int64_t height) {
    const auto place = [&](int64_t whole, int64_t part) {
      return whole < part ? -((part - whole) / 2) : random_.below(whole - part + 1);
    };
    const int64_t y = place(height + 2 * s.padding, s.height),
                  x = place(width + 2 * s.padding, s.width);
    return {x - s.padding, y - s.padding, s.width, s.height};
  }

  // part_ in an image that was decoded at another size.
  Box scaled_part(int64_t width, int64_t height) const {
    const auto edge = [](int64_t at, int64_t size, int64_t full) {
      const double k = static_cast<double>(size) / static_cast<double>(full);
      return std::min(static_cast<float>(static_cast<double>(at) * k), static_cast<float>(size));
    };
    return {edge(part_.x, width, full_.width), edge(part_.y, height, full_.height),
            edge(part_.x + part_.width, width, full_.width),
            edge(part_.y + part_.height, height, full_.height)};
  }

  // `box` of what `whole` is of the image, resized.
  void change(const Window& whole, const Box& box, const Window& size, const Window& window,
              Filter filter) {
    resample({w_.image, place_.x - whole.x, place_.y - whole.y, whole.width, whole.height}, box,
             size.width, size.height, window, filter, w_.scratch, w_.other);
    std::swap(w_.image, w_.other);
  }

  void cut(const Window& window) {
    const Window here = {window.x - place_.x, window.y - place_.y, window.width, window.height};
    if (here.x == 0 && here.y == 0 && here.width == w_.image.width() &&
        here.height == w_.image.height())
      return;
    crop(w_.image, here, w_.other);
    std::swap(w_.image, w_.other);
  }

  const std::vector<Step>& steps_;
  RandomStream& random_;
  Workspace& w_;
  int64_t max_pixels_;
  bool scaled_decode_;
  std::optional<Failure> failure_;
  size_t at_ = 0;
  Window full_, part_;                   // as the header says; RandomResizedCrop's, of that
  std::optional<Window> place_of_crop_;  // RandomCrop's, if it was asked for before
  Decoded place_;                        // of the pixels that there are
};

}  // namespace

Pipeline::Pipeline(std::vector<Step> steps, DecodeOptions decode, Output output, bool scaled_decode)
    : steps_(std::move(steps)), decode_(decode), output_(output), scaled_decode_(scaled_decode) {
  for (const Step& step : steps_) {
    check(step);
    match(
        step, [&](const Resize& s) { height_ = s.height, width_ = s.height > 0 ? s.width : 0; },
        [&](const CenterCrop& s) { height_ = s.height, width_ = s.width; },
        [&](const RandomCrop& s) { height_ = s.height, width_ = s.width; },
        [&](const RandomResizedCrop& s) { height_ = s.height, width_ = s.width; },
        [](const RandomFlip&) {}, [](const ColourJitter&) {}, [](const RandAugment&) {});
  }
  if (height_ == 0)
    fail(
        "[images] the samples of a batch need one size: let the steps have a Resize((height, "
        "width)) or a crop");
  if (decode_.max_pixels < 1)
    fail("[images] max_pixels must be at least 1; got {}", decode_.max_pixels);
  for (size_t c = 0; c < 3; ++c) {
    if (!(std::isfinite(output_.mean[c]) && std::isfinite(output_.std[c]) && output_.std[c] != 0))
      fail(
          "[images] Normalize: mean must be finite and std finite and not 0; got mean {} and std "
          "{}",
          output_.mean[c], output_.std[c]);
    scale_[c] = static_cast<float>(output_.scale / output_.std[c]);
    shift_[c] = static_cast<float>(-output_.mean[c] / output_.std[c]);
  }
}

std::vector<int64_t> Pipeline::shape() const {
  if (output_.channels_first) return {channels(), height_, width_};
  return {height_, width_, channels()};
}

bool Pipeline::random() const { return std::any_of(steps_.begin(), steps_.end(), draws); }

Result<> Pipeline::pixels(std::span<const std::byte> bytes, RandomStream& random,
                          Workspace& workspace) const {
  Walk walk(steps_, random, workspace, decode_.max_pixels, scaled_decode_);
  Result<Decoded> decoded = decode(bytes, decode_, walk, workspace.image);
  if (!decoded) return decoded.failure();
  return walk.all(decoded.value());
}

void Pipeline::to_numbers(const Image& image, float* dst) const {
  const int64_t n = width_ * height_;
  const uint8_t* src = image.data();
  if (channels() == 1) {
    for (int64_t i = 0; i < n; ++i)
      dst[i] = std::fma(static_cast<float>(src[i]), scale_[0], shift_[0]);
  } else if (output_.channels_first) {
    const ToPlanes to_planes =
        current_isa() == Isa::avx512 ? avx512::rgb_to_planes : avx2::rgb_to_planes;
    to_planes(src, n, scale_, shift_, dst, dst + n, dst + 2 * n);
  } else {
    for (int64_t i = 0; i < 3 * n; i += 3)
      for (int64_t c = 0; c < 3; ++c)
        dst[i + c] = std::fma(static_cast<float>(src[i + c]), scale_[c], shift_[c]);
  }
}

Result<> Pipeline::run(std::span<const std::byte> bytes, RandomStream& random, Workspace& workspace,
                       float* dst) const {
  if (Result<> done = pixels(bytes, random, workspace); !done) return done;
  to_numbers(workspace.image, dst);
  return success();
}

}  // namespace andiron::images
