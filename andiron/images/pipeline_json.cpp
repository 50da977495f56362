#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/images/pipeline.hpp"

// {"steps": [{"op": "resize", "size": 256 or [h, w], "interpolation": "bilinear"},
//            {"op": "center_crop", "size": [h, w]},
//            {"op": "random_crop", "size": [h, w], "padding": 4},
//            {"op": "random_resized_crop", "size": [h, w], "scale": [a, b], "ratio": [a, b],
//             "interpolation": "bilinear"},
//            {"op": "random_flip", "horizontal": 0.5, "vertical": 0.0},
//            {"op": "color_jitter", "brightness": [a, b], "contrast": ..., "saturation": ...,
//            "hue": ...},
//            {"op": "rand_augment", "n": 2, "magnitude": 9, "bins": 31}],
//  "color": "rgb" or "grayscale", "max_pixels": n, "exif": true, "background": null or [r, g, b],
//  "allow_truncated": false, "scaled_decode": true,
//  "scale": 1/255, "mean": [r, g, b], "std": [r, g, b], "channels_first": true}
namespace andiron::images {

using nlohmann::json;

namespace {

using Range = std::array<double, 2>;

Step step_from(const json& j) {
  const auto op = j.at("op").get<std::string>();
  const auto size = [&](size_t i) {
    const json& s = j.at("size");
    if (!s.is_array()) return i == 0 ? 0 : s.get<int64_t>();
    const auto n = s.at(i).get<int64_t>();
    return n == 0 ? -1 : n;  // a height of 0 is not the shorter side's mark
  };
  const auto filter = [&] { return filter_from(j.value("interpolation", "bilinear")); };
  if (op == "resize") return Resize{size(0), size(1), filter()};
  if (op == "center_crop") return CenterCrop{size(0), size(1)};
  if (op == "random_crop") return RandomCrop{size(0), size(1), j.value("padding", int64_t{0})};
  if (op == "random_resized_crop")
    return RandomResizedCrop{size(0), size(1), j.value("scale", Range{0.08, 1.0}),
                             j.value("ratio", Range{3.0 / 4.0, 4.0 / 3.0}), filter()};
  if (op == "random_flip") return RandomFlip{j.value("horizontal", 0.5), j.value("vertical", 0.0)};
  if (op == "color_jitter")
    return ColourJitter{j.value("brightness", Range{1, 1}), j.value("contrast", Range{1, 1}),
                        j.value("saturation", Range{1, 1}), j.value("hue", Range{0, 0})};
  if (op == "rand_augment")
    return RandAugment{j.value("n", int64_t{2}), j.value("magnitude", int64_t{9}),
                       j.value("bins", int64_t{31})};
  fail("[images] there is no step \"{}\"", op);
}

json json_of(const Resize& s) {
  json size = s.height == 0 ? json(s.width) : json{s.height, s.width};
  return {{"op", "resize"}, {"size", size}, {"interpolation", name_of(s.filter)}};
}
json json_of(const CenterCrop& s) { return {{"op", "center_crop"}, {"size", {s.height, s.width}}}; }
json json_of(const RandomCrop& s) {
  return {{"op", "random_crop"}, {"size", {s.height, s.width}}, {"padding", s.padding}};
}
json json_of(const RandomResizedCrop& s) {
  return {{"op", "random_resized_crop"},
          {"size", {s.height, s.width}},
          {"scale", s.scale},
          {"ratio", s.ratio},
          {"interpolation", name_of(s.filter)}};
}
json json_of(const RandomFlip& s) {
  return {{"op", "random_flip"}, {"horizontal", s.horizontal}, {"vertical", s.vertical}};
}
json json_of(const ColourJitter& s) {
  return {{"op", "color_jitter"},
          {"brightness", s.brightness},
          {"contrast", s.contrast},
          {"saturation", s.saturation},
          {"hue", s.hue}};
}
json json_of(const RandAugment& s) {
  return {{"op", "rand_augment"}, {"n", s.n}, {"magnitude", s.magnitude}, {"bins", s.bins}};
}

}  // namespace

Pipeline Pipeline::from_json(const json& j) {
  try {
    std::vector<Step> steps;
    for (const json& step : j.at("steps")) steps.push_back(step_from(step));
    DecodeOptions decode;
    const std::string colour = j.value("color", "rgb");
    if (colour != "rgb" && colour != "grayscale")
      fail("[images] color is \"rgb\" or \"grayscale\"; got \"{}\"", colour);
    decode.colour = colour == "rgb" ? Colour::rgb : Colour::grey;
    decode.max_pixels = j.value("max_pixels", decode.max_pixels);
    decode.orient = j.value("exif", true);
    decode.allow_truncated = j.value("allow_truncated", false);
    if (j.contains("background") && !j.at("background").is_null())
      decode.background = j.at("background").get<std::array<uint8_t, 3>>();
    Output output;
    output.scale = j.value("scale", output.scale);
    output.mean = j.value("mean", output.mean);
    output.std = j.value("std", output.std);
    output.channels_first = j.value("channels_first", true);
    return Pipeline(std::move(steps), decode, output, j.value("scaled_decode", true));
  } catch (const json::exception& error) {
    fail("[images] the description of the steps is not understood: {}", error.what());
  }
}

json Pipeline::to_json() const {
  json steps = json::array();
  for (const Step& step : steps_)
    steps.push_back(std::visit([](const auto& s) { return json_of(s); }, step));
  json background;
  if (decode_.background) background = *decode_.background;
  return {{"steps", steps},
          {"color", decode_.colour == Colour::rgb ? "rgb" : "grayscale"},
          {"max_pixels", decode_.max_pixels},
          {"exif", decode_.orient},
          {"background", background},
          {"allow_truncated", decode_.allow_truncated},
          {"scaled_decode", scaled_decode_},
          {"scale", output_.scale},
          {"mean", output_.mean},
          {"std", output_.std},
          {"channels_first", output_.channels_first}};
}

}  // namespace andiron::images
