#include "bindings/texts.hpp"

#include <cmath>
#include <cstring>
#include <string>

#include "andiron/base/error.hpp"
#include "andiron/base/fingerprint.hpp"
#include "andiron/io/arrow/stream.hpp"
#include "andiron/nn/token_counts.hpp"
#include "bindings/signals.hpp"

namespace andiron::bindings {

namespace {

using io::arrow::Array;
using io::arrow::Kind;
using TextCounts = nn::TokenCounts<std::string>;
using IntegerCounts = nn::TokenCounts<int64_t>;

// A view of an object's memory, given back at the end.
class Memory {
 public:
  explicit Memory(nb::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0)
      throw nb::python_error();
  }
  ~Memory() { PyBuffer_Release(&view_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  const Py_buffer* operator->() const { return &view_; }

 private:
  Py_buffer view_;
};

void append_utf8(std::string& out, uint32_t c) {
  auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)),
        put(0x80 | (c & 0x3F));
  }
}

std::string_view text_of(PyObject* object, int64_t i) {
  if (object != nullptr && PyUnicode_Check(object)) {
    Py_ssize_t n = 0;
    const char* text = PyUnicode_AsUTF8AndSize(object, &n);
    if (text == nullptr) throw nb::python_error();
    return {text, static_cast<size_t>(n)};
  }
  if (object != nullptr && PyBytes_Check(object))
    return {PyBytes_AS_STRING(object), static_cast<size_t>(PyBytes_GET_SIZE(object))};
  const bool missing = object == nullptr || object == Py_None ||
                       (PyFloat_Check(object) && std::isnan(PyFloat_AS_DOUBLE(object))) ||
                       std::strcmp(Py_TYPE(object)->tp_name, "NAType") == 0;
  if (missing)
    throw TypeError(
        fmt::format("[texts] element {} is missing: say what stands for it, as fillna does", i));
  throw TypeError(fmt::format("[texts] element {} is no text; got {}", i,
                              nb::cast<std::string>(nb::repr(nb::handle(object)))));
}

// Row by row a document, or all of them one.
class Documents {
 public:
  Documents(int64_t per_document, TextCounts& counts)
      : per_document_(per_document), counts_(counts) {}
  void take(std::string_view text) {
    counts_.add(text);
    if (++taken_ % per_document_ == 0) counts_.end_document();
  }

 private:
  int64_t per_document_, taken_ = 0;
  TextCounts& counts_;
};

int64_t per_document(const Sizes& sizes, bool one) {
  const int64_t n = count_of(sizes);
  if (one || sizes.empty()) return std::max<int64_t>(n, 1);
  return std::max<int64_t>(1, sizes[0] == 0 ? 1 : n / sizes[0]);
}

Sizes sizes_of(nb::handle array) { return nb::cast<Sizes>(array.attr("shape")); }

// Text i of a column of Arrow data.
std::string_view arrow_text(const Array& column, const std::string& name, int64_t i) {
  const Array& texts = column.dictionary.empty() ? column : column.dictionary[0];
  if (texts.type->kind != Kind::text)
    fail("[arrow] column '{}' is {}: texts are needed", name, column.type->str());
  const int64_t at = column.is_null(i) ? -1 : column.dictionary.empty() ? i : column.index(i);
  if (at < 0 || texts.is_null(at))
    fail("[arrow] column '{}': row {} is null; say what stands for it", name, i);
  return texts.bytes(at);
}

}  // namespace

Sizes each_text(nb::handle array, const std::function<void(std::string_view)>& take) {
  const Memory memory(array);
  const std::string format = memory->format;
  const char kind = format.back();
  const auto width = static_cast<size_t>(memory->itemsize);
  const int64_t n = width == 0 ? 0 : memory->len / memory->itemsize;
  const auto* bytes = static_cast<const char*>(memory->buf);
  if (kind == 'O') {
    for (int64_t i = 0; i < n; ++i) take(text_of(reinterpret_cast<PyObject* const*>(bytes)[i], i));
  } else if (kind == 's') {
    for (int64_t i = 0; i < n; ++i, bytes += width) {
      size_t length = width;
      while (length > 0 && bytes[length - 1] == '\0') --length;
      take({bytes, length});
    }
  } else if (kind == 'w' && format.front() != '>') {
    std::string text;
    for (int64_t i = 0; i < n; ++i, bytes += width) {
      size_t length = width / 4;
      auto character = [&](size_t at) {
        uint32_t c = 0;
        std::memcpy(&c, bytes + at * 4, 4);
        return c;
      };
      while (length > 0 && character(length - 1) == 0) --length;
      text.clear();
      for (size_t at = 0; at < length; ++at) append_utf8(text, character(at));
      take(text);
    }
  } else {
    throw TypeError(fmt::format("[texts] texts are needed; got an array of format '{}'", format));
  }
  Sizes sizes = sizes_of(array);
  if (width == 0)  // NumPy's empty texts
    for (int64_t i = 0; i < count_of(sizes); ++i) take({});
  return sizes;
}

void bind_texts(nb::module_& m) {
  m.def(
      "fingerprints",
      [](nb::handle array) {
        Tensor out(DType::i64, sizes_of(array));
        int64_t* to = out.data<int64_t>();
        each_text(array, [&](std::string_view text) {
          *to++ = static_cast<int64_t>(fingerprint64(text));
        });
        return out;
      },
      nb::arg("texts"), "The 64-bit fingerprints of a NumPy array of texts, as int64.");
  nb::class_<TextCounts>(m, "TextCounts", "How often texts come, for StringLookup.")
      .def(nb::init<>())
      .def(
          "add",
          [](TextCounts& counts, nb::handle array, bool one_document) {
            Documents documents(per_document(sizes_of(array), one_document), counts);
            each_text(array, [&](std::string_view text) { documents.take(text); });
          },
          nb::arg("texts"), nb::arg("one_document") = false)
      .def(
          "add_arrow",
          [](TextCounts& counts, const std::shared_ptr<io::arrow::Stream>& stream,
             const std::vector<std::string>& names) {
            nb::gil_scoped_release unlocked;
            const std::function<void()> check = signal_check();
            std::vector<size_t> columns;
            for (const std::string& name : names) columns.push_back(stream->find(name));
            while (const auto batch = stream->next(columns).value_or_throw()) {
              // A row is a document.
              for (int64_t row = 0; row < batch->rows; ++row) {
                for (size_t i = 0; i < names.size(); ++i)
                  counts.add(arrow_text(batch->columns[i], names[i], row));
                counts.end_document();
              }
              check();
            }
          },
          nb::arg("stream"), nb::arg("columns"));
  nb::class_<IntegerCounts>(m, "IntegerCounts", "How often integers come, for IntegerLookup.")
      .def(nb::init<>())
      .def(
          "add",
          [](IntegerCounts& counts, const Tensor& numbers, bool one_document) {
            const Tensor integers = numbers.cast(DType::i64).contiguous();
            const int64_t each = per_document(integers.sizes(), one_document);
            for (int64_t i = 0; i < integers.count(); ++i) {
              counts.add(integers.data<int64_t>()[i]);
              if ((i + 1) % each == 0) counts.end_document();
            }
          },
          nb::arg("numbers"), nb::arg("one_document") = false);
}

}  // namespace andiron::bindings
