#include "bindings/images.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/base/parallel_for.hpp"
#include "andiron/images/augment.hpp"
#include "andiron/images/colour.hpp"
#include "andiron/images/pipeline.hpp"
#include "andiron/train/data/image_dataset.hpp"
#include "andiron/train/dataset_source.hpp"
#include "bindings/convert.hpp"
#include "bindings/json.hpp"

namespace andiron::bindings {

namespace {

using images::Image;
using images::Pipeline;
using train::ImageStore;

std::span<const std::byte> bytes_of(const nb::bytes& data) {
  return {static_cast<const std::byte*>(data.data()), data.size()};
}

Tensor tensor_of(const Image& image) {
  Tensor out(DType::u8, {image.height(), image.width(), image.channels()});
  std::memcpy(out.raw(), image.data(), static_cast<size_t>(image.n_bytes()));
  return out;
}

// uint8 [H, W], [H, W, 1] or [H, W, 3].
Image image_from(nb::handle object) {
  const Tensor t = tensor_from(object).contiguous();
  const int64_t channels = t.rank() == 2 ? 1 : t.rank() == 3 ? t.size(2) : 0;
  if (t.dtype() != DType::u8 || (channels != 1 && channels != 3) || t.count() == 0)
    fail("[images] an image is uint8 [height, width] or [height, width, 1 or 3]; got {} {}",
         name_of(t.dtype()), str(t.sizes()));
  Image image(t.size(1), t.size(0), channels);
  std::memcpy(image.data(), t.raw(), t.n_bytes());
  return image;
}

nb::dict header_of(const nb::bytes& data) {
  Result<images::Header> header = images::read_header(bytes_of(data));
  const images::Header h = std::move(header).value_or_throw();
  nb::dict out;
  out["format"] = nb::cast(std::string(images::name_of(h.format)));
  out["width"] = h.width;
  out["height"] = h.height;
  out["channels"] = h.channels;
  out["orientation"] = h.orientation;
  return out;
}

Tensor decode(const nb::bytes& data, const Pipeline& settings, int64_t min_width,
              int64_t min_height) {
  images::DecodeOptions options = settings.decode_options();
  options.min_width = min_width;
  options.min_height = min_height;
  Image image;
  const auto bytes = bytes_of(data);
  {
    nb::gil_scoped_release unlocked;
    images::decode(bytes, options, image).value_or_throw();
  }
  return tensor_of(image);
}

Tensor resize(nb::handle object, int64_t width, int64_t height, const std::string& filter,
              const std::vector<float>& box) {
  const Image src = image_from(object);
  if (width < 1 || height < 1 || width > 1 << 15 || height > 1 << 15)
    fail("[resize] width and height must be in [1, 32768]; got {} x {}", width, height);
  images::Box part = {0, 0, static_cast<float>(src.width()), static_cast<float>(src.height())};
  if (!box.empty()) {
    if (box.size() != 4 || !(box[0] >= 0 && box[1] >= 0 && box[0] < box[2] && box[1] < box[3] &&
                             box[2] <= part.right && box[3] <= part.bottom))
      fail("[resize] box must be (left, top, right, bottom) within the image of {} x {}",
           src.width(), src.height());
    part = {box[0], box[1], box[2], box[3]};
  }
  Image scratch, dst;
  images::resample({src, 0, 0, src.width(), src.height()}, part, width, height,
                   {0, 0, width, height}, images::filter_from(filter), scratch, dst);
  return tensor_of(dst);
}

Tensor adjust(nb::handle object, const std::string& what, const std::vector<double>& arguments) {
  Image image = image_from(object), scratch;
  const double x = arguments.empty() ? 0.0 : arguments[0];
  if (what == "brightness") {
    images::adjust_brightness(image, x);
  } else if (what == "contrast") {
    images::adjust_contrast(image, x);
  } else if (what == "saturation") {
    images::adjust_saturation(image, x);
  } else if (what == "hue") {
    images::adjust_hue(image, x);
  } else if (what == "sharpness") {
    images::adjust_sharpness(image, x, scratch);
  } else if (what == "posterize") {
    images::posterize(image, std::clamp(static_cast<int>(x), 0, 8));
  } else if (what == "solarize") {
    images::solarize(image, x);
  } else if (what == "autocontrast") {
    images::autocontrast(image);
  } else if (what == "equalize") {
    images::equalize(image);
  } else if (what == "affine" && arguments.size() == 6) {
    std::array<double, 6> matrix;
    std::copy_n(arguments.begin(), 6, matrix.begin());
    for (const double m : matrix)
      if (!(std::abs(m) < 1e6)) fail("[affine] the matrix must be below 1e6; got {}", m);
    images::affine(image, matrix, scratch);
    std::swap(image, scratch);
  } else {
    fail("[images] there is no adjustment \"{}\"", what);
  }
  return tensor_of(image);
}

// The images `rows` of the store as one tensor, and [(row, message)] of those that cannot be read:
// their numbers are 0.
nb::tuple load(const ImageStore& store, const std::vector<int64_t>& rows, const Pipeline& pipeline,
               int threads, uint64_t seed, int64_t epoch) {
  Sizes sizes = {std::ssize(rows)};
  for (const int64_t n : pipeline.shape()) sizes.push_back(n);
  for (const int64_t row : rows)
    if (row < 0 || row >= store.size())
      fail("[images] there is no image {}; there are {}", row, store.size());
  Tensor out(DType::f32, sizes);
  std::vector<std::string> messages(rows.size());
  {
    nb::gil_scoped_release unlocked;
    std::atomic<size_t> next{0};
    const int parts = std::clamp<int>(static_cast<int>(rows.size()), 1, std::max(threads, 1));
    parallel_for(parts, parts, [&](int64_t, int64_t) {
      images::Workspace workspace;
      for (size_t i; (i = next.fetch_add(1)) < rows.size();) {
        float* dst = out.data<float>() + static_cast<int64_t>(i) * pipeline.count();
        images::RandomStream random(seed, epoch, rows[i]);
        const Result<train::ImageBytes> file = store.read(rows[i]);
        const Result<> done = file ? pipeline.run(file.value().bytes, random, workspace, dst)
                                   : Result<>(file.failure());
        if (done) continue;
        messages[i] = done.failure().message();
        std::fill_n(dst, pipeline.count(), 0.0F);
      }
    });
  }
  nb::list bad;
  for (size_t i = 0; i < rows.size(); ++i)
    if (!messages[i].empty()) bad.append(nb::make_tuple(i, store.name(rows[i]), messages[i]));
  return nb::make_tuple(out, bad);
}

std::shared_ptr<train::BatchSource> source(std::shared_ptr<ImageStore> store,
                                           std::vector<int64_t> images, nb::handle labels,
                                           std::shared_ptr<Pipeline> pipeline, int64_t n_classes,
                                           const std::string& errors, int threads, double mixup,
                                           double cutmix, int64_t batch_size, bool shuffle,
                                           uint64_t seed, bool drop_last) {
  train::ImageOptions options;
  if (errors != "raise" && errors != "skip")
    fail("[images] errors is \"raise\" or \"skip\" in a training; got \"{}\"", errors);
  options.errors =
      errors == "raise" ? train::ImageOptions::OnBad::raise : train::ImageOptions::OnBad::skip;
  options.threads = threads;
  options.n_classes = n_classes;
  options.mix = {mixup, cutmix};
  auto dataset = std::make_shared<train::ImageDataset>(
      std::move(store), std::move(images), labels.is_none() ? Tensor() : tensor_from(labels),
      std::move(pipeline), options,
      train::DataOptions{
          .batch_size = batch_size, .shuffle = shuffle, .seed = seed, .drop_last = drop_last});
  return std::make_shared<train::DatasetSource>(dataset, [dataset] { return dataset->digest(); });
}

const train::ImageDataset& dataset_of(const train::BatchSource& source) {
  const auto* made = dynamic_cast<const train::DatasetSource*>(&source);
  const auto* images =
      made == nullptr ? nullptr : dynamic_cast<const train::ImageDataset*>(made->dataset().get());
  if (images == nullptr) throw TypeError("[images] this source of batches has no images");
  return *images;
}

}  // namespace

void bind_images(nb::module_& m) {
  nb::class_<ImageStore>(m, "ImageStore", "Where the bytes of images come from.")
      .def("__len__", &ImageStore::size)
      .def("name", &ImageStore::name);
  m.def("image_files", &train::image_files, nb::arg("paths"));
  m.def(
      "image_column",
      [](nb::handle data, nb::handle offsets, nb::handle valid) {
        return train::image_column(tensor_from(data), tensor_from(offsets),
                                   valid.is_none() ? Tensor() : tensor_from(valid));
      },
      nb::arg("data"), nb::arg("offsets"), nb::arg("valid").none() = nb::none());
  nb::class_<Pipeline>(m, "ImagePipeline")
      .def(nb::new_([](nb::handle json) {
        return std::make_shared<Pipeline>(Pipeline::from_json(json_from(json)));
      }))
      .def_prop_ro("shape", [](const Pipeline& p) { return nb::tuple(nb::cast(p.shape())); })
      .def_prop_ro("random", &Pipeline::random)
      .def("description", [](const Pipeline& p) { return to_python(p.to_json()); });
  m.def("image_header", &header_of);
  m.def("decode_image", &decode, nb::arg("data"), nb::arg("settings"), nb::arg("min_width") = 0,
        nb::arg("min_height") = 0);
  m.def("resize_image", &resize, nb::arg("image"), nb::arg("width"), nb::arg("height"),
        nb::arg("filter"), nb::arg("box"));
  m.def("adjust_image", &adjust, nb::arg("image"), nb::arg("what"), nb::arg("arguments"));
  m.def("load_images", &load, nb::arg("store"), nb::arg("rows"), nb::arg("pipeline"),
        nb::arg("threads"), nb::arg("seed"), nb::arg("epoch"));
  m.def("image_source", &source, nb::arg("store"), nb::arg("images"), nb::arg("labels").none(),
        nb::arg("pipeline"), nb::arg("n_classes"), nb::arg("errors"), nb::arg("threads"),
        nb::arg("mixup"), nb::arg("cutmix"), nb::arg("batch_size"), nb::arg("shuffle"),
        nb::arg("seed"), nb::arg("drop_last"));
  m.def("bad_images", [](const train::BatchSource& source) {
    const train::BadImages& bad = dataset_of(source).bad();
    return nb::make_tuple(bad.count(), bad.messages());
  });
}

}  // namespace andiron::bindings
