#include "andiron/ops/conv/window.hpp"

#include <algorithm>
#include <limits>

#include "andiron/base/error.hpp"

namespace andiron::ops {

namespace {

using Ints = std::vector<int64_t>;

// Sizes, strides, pads and numbers of taps stay below it, so that no product of two overflows.
constexpr int64_t kMost = std::numeric_limits<int32_t>::max();

Ints checked(std::string_view op, std::string_view name, Ints values, size_t n_axes, int64_t least,
             int64_t otherwise) {
  values = for_each_axis(op, name, std::move(values), n_axes);
  for (int64_t v : values)
    if (v < least || v > kMost)
      fail("[{}] {} must be between {} and {}; got {}", op, name, least, kMost, str(values));
  if (values.empty()) values.assign(n_axes, otherwise);
  return values;
}

// Said of pictures that seem to have their channels behind rows and columns.
const char* hint_of_channels(const Ints& sizes) {
  const size_t n = sizes.size();
  const bool few = sizes[n - 1] == 1 || sizes[n - 1] == 3 || sizes[n - 1] == 4;
  return n > 1 && few && sizes[n - 1] != sizes[n - 2]
             ? "; where channels are the last axis, layers need data_format=\"channels_last\""
             : "";
}

}  // namespace

int64_t Window::taps() const {
  int64_t n = 1;
  for (int64_t k : kernel) n *= k;
  return n;
}

std::vector<AttributeSpec> window_attributes() {
  return {{"strides", Ints{}, "steps of the window, one for each spatial axis or one for all"},
          {"dilations", Ints{}, "distances between the window's taps; empty: 1"},
          {"padding", std::string("valid"),
           "valid (none), same (ceil(size / stride) places, as TensorFlow has it) or explicit"},
          {"pads_begin", Ints{}, "places before each spatial axis, for explicit padding"},
          {"pads_end", Ints{}, "places after each spatial axis, for explicit padding"}};
}

std::vector<AttributeSpec> explicit_window_attributes() {
  return {{"strides", {}, "one for each spatial axis", Ints()},
          {"dilations", {}, "one for each spatial axis", Ints()},
          {"pads_begin", {}, "one for each spatial axis", Ints()},
          {"pads_end", {}, "one for each spatial axis", Ints()}};
}

std::vector<int64_t> for_each_axis(std::string_view op, std::string_view name, Ints values,
                                   size_t n_axes) {
  if (values.size() == 1) values.assign(n_axes, values[0]);
  if (!values.empty() && values.size() != n_axes)
    fail("[{}] {} needs one entry, or one for each of {} spatial axes; got {}", op, name, n_axes,
         str(values));
  return values;
}

std::vector<int64_t> spatial_sizes(std::string_view op, const Shape& x) {
  if (x.rank() < 3 || x.rank() > 5)
    fail("[{}] takes [N, C, spatial...] with 1 to 3 spatial axes; got {}", op, x.str());
  Ints sizes;
  for (size_t i = 2; i < x.size(); ++i) {
    if (!x[i].known()) fail("[{}] spatial sizes must be known; got {}", op, x.str());
    if (x[i].size() > kMost) fail("[{}] the spatial sizes of {} are too large", op, x.str());
    sizes.push_back(x[i].size());
  }
  return sizes;
}

Window window_of(std::string_view op, const Attributes& attributes, const Shape& x,
                 const Ints& kernel, const Ints& default_strides) {
  const Ints sizes = spatial_sizes(op, x);
  const size_t n = sizes.size();
  auto ints = [&](const char* name) { return attributes.get<Ints>(name); };
  Window w;
  w.kernel = checked(op, "kernel", kernel, n, 1, 1);
  w.strides =
      checked(op, "strides", ints("strides").empty() ? default_strides : ints("strides"), n, 1, 1);
  w.dilations = checked(op, "dilations", ints("dilations"), n, 1, 1);
  w.begin = checked(op, "pads_begin", ints("pads_begin"), n, 0, 0);
  w.end = checked(op, "pads_end", ints("pads_end"), n, 0, 0);
  const auto& padding = attributes.get<std::string>("padding");
  if (padding != "explicit" && !(ints("pads_begin").empty() && ints("pads_end").empty()))
    fail("[{}] pads_begin and pads_end are for padding 'explicit'; got '{}'", op, padding);
  if (padding == "valid" || padding == "explicit") return w;
  if (padding != "same")
    fail("[{}] padding is 'valid', 'same' or 'explicit'; got '{}'", op, padding);
  for (size_t i = 0; i < n; ++i) {
    const int64_t places = (sizes[i] + w.strides[i] - 1) / w.strides[i];
    const int64_t pads = std::max<int64_t>(0, (places - 1) * w.strides[i] + w.extent(i) - sizes[i]);
    w.begin[i] = pads / 2;
    w.end[i] = pads - pads / 2;
  }
  return w;
}

Attributes explicit_attributes(const Window& window) {
  return {{"strides", window.strides},
          {"dilations", window.dilations},
          {"pads_begin", window.begin},
          {"pads_end", window.end}};
}

Window explicit_window(const Attributes& attributes, Ints kernel) {
  return {std::move(kernel), attributes.get<Ints>("strides"), attributes.get<Ints>("dilations"),
          attributes.get<Ints>("pads_begin"), attributes.get<Ints>("pads_end")};
}

std::vector<int64_t> window_places(std::string_view op, const Window& w, const Shape& x,
                                   bool ceil) {
  const Ints sizes = spatial_sizes(op, x);
  for (const Ints* list : {&w.kernel, &w.strides, &w.dilations, &w.begin, &w.end})
    if (list->size() != sizes.size())
      fail("[{}] needs one entry for each spatial axis of {}; got {}", op, x.str(), str(*list));
  // Those of explicit_window are as a file or a caller gave them.
  checked(op, "kernel", w.kernel, sizes.size(), 1, 1);
  checked(op, "strides", w.strides, sizes.size(), 1, 1);
  checked(op, "dilations", w.dilations, sizes.size(), 1, 1);
  checked(op, "pads_begin", w.begin, sizes.size(), 0, 0);
  checked(op, "pads_end", w.end, sizes.size(), 0, 0);
  int64_t taps = 1;
  for (int64_t k : w.kernel)
    if ((taps *= k) > kMost) fail("[{}] a window of {} has too many taps", op, str(w.kernel));
  Ints places;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const int64_t room = sizes[i] + w.begin[i] + w.end[i] - w.extent(i);
    if (sizes[i] == 0 || room < 0)
      fail(
          "[{}] a window of {} (kernel {}, dilation {}) does not fit into axis {} of {} with pads "
          "{} and {}{}",
          op, w.extent(i), w.kernel[i], w.dilations[i], i + 2, x.str(), w.begin[i], w.end[i],
          hint_of_channels(sizes));
    int64_t n = (room + (ceil ? w.strides[i] - 1 : 0)) / w.strides[i] + 1;
    if (ceil && (n - 1) * w.strides[i] >= sizes[i] + w.begin[i]) --n;
    places.push_back(n);
  }
  return places;
}

WindowLoop::WindowLoop(const Window& window, const Sizes& inputs, const Sizes& outputs) {
  const size_t n = window.rank();
  for (size_t i = 0; i < n; ++i) {
    const size_t at = 3 - n + i;
    in[at] = inputs[inputs.size() - n + i];
    out[at] = outputs[outputs.size() - n + i];
    kernel[at] = window.kernel[i];
    stride[at] = window.strides[i];
    dilation[at] = window.dilations[i];
    begin[at] = window.begin[i];
  }
}

}  // namespace andiron::ops
