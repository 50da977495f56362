#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/base/wrapping.hpp"
#include "andiron/io/arrow/arrow_testing.hpp"
#include "andiron/train/data/table.hpp"
#include "tests/fuzz/choices.hpp"

namespace {

using namespace andiron;
using namespace andiron::io::arrow;

constexpr int64_t kMostRows = 24;

using Bytes = std::vector<uint8_t>;

Bytes any_bytes(Choices& choices, int64_t n) {
  Bytes bytes(static_cast<size_t>(n));
  const uint8_t pattern = choices.byte();
  for (uint8_t& b : bytes) b = pattern < 128 ? pattern : choices.byte();
  return bytes;
}

template <class T>
void put(Bytes& bytes, T value) {
  const auto* at = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), at, at + sizeof value);
}

// Offsets of `n` lists in [0, end]: a producer says true how much memory there is. Where the end
// can be checked (lists), they may be anything.
template <class T>
Bytes any_offsets(Choices& choices, int64_t n, int64_t end, bool any) {
  Bytes bytes;
  int64_t at = 0;
  for (int64_t i = 0; i <= n; ++i) {
    if (any && choices.one_in(16)) at = choices.integer();
    put(bytes, static_cast<T>(any ? at : std::clamp<int64_t>(at, INT64_MIN, end)));
    const auto step = static_cast<int64_t>(choices.below(4));
    at = wrapping_add<int64_t>(at, step - (choices.one_in(16) ? 2 : 0));
  }
  return bytes;
}

std::string any_format(Choices& choices, int depth) {
  static const std::vector<std::string> plain = {
      "n",       "b",      "c",         "C",   "s",   "S",    "i",       "I",   "l",
      "L",       "e",      "f",         "g",   "z",   "Z",    "u",       "U",   "vz",
      "vu",      "tdD",    "tdm",       "tts", "ttn", "tss:", "tsn:UTC", "tDu", "tiM",
      "d:19,10", "d:5,-3", "d:9,2,256", "w:3", "w:0", "w:16"};
  static const std::vector<std::string> nested = {"+l", "+L", "+s",  "+w:2",    "+w:0",
                                                  "+m", "+r", "+vl", "+ud:0,1", "+w:1000000000000"};
  if (choices.one_in(64)) return choices.text(12);
  return depth > 0 && choices.one_in(3) ? choices.of(nested) : choices.of(plain);
}

HandMade any_column(Choices& choices, int64_t length, int depth);

// A column of this format, whose buffers are as long as its length and offset say.
HandMade column_of(Choices& choices, const std::string& format, int64_t length, int depth) {
  HandMade c{.format = format, .name = "c", .length = length};
  if (choices.one_in(4)) c.offset = static_cast<int64_t>(choices.below(5));
  const int64_t n = length + c.offset;
  const Bytes validity = any_bytes(choices, (n + 7) / 8);
  const bool nulls = choices.one_in(3);
  c.null_count = nulls ? -1 : 0;
  c.buffers = {validity};
  c.absent = {!nulls};
  auto values = [&](int64_t width) { c.buffers.push_back(any_bytes(choices, n * width)); };
  static const std::map<std::string, int64_t> widths = {
      {"c", 1}, {"C", 1}, {"s", 2}, {"S", 2}, {"i", 4},   {"I", 4},   {"l", 8},
      {"L", 8}, {"e", 2}, {"f", 4}, {"g", 8}, {"tdD", 4}, {"tts", 4}, {"ttm", 4}};
  const auto width = widths.find(format);
  if (format == "n") {
    c.buffers.clear();
    c.absent.clear();
  } else if (format == "b") {
    c.buffers.push_back(any_bytes(choices, (n + 7) / 8));
  } else if (width != widths.end()) {
    values(width->second);
  } else if (format == "z" || format == "u" || format == "Z" || format == "U") {
    const int64_t end = static_cast<int64_t>(choices.below(40));
    const bool large = format == "Z" || format == "U";
    c.buffers.push_back(large ? any_offsets<int64_t>(choices, n, end, false)
                              : any_offsets<int32_t>(choices, n, end, false));
    c.buffers.push_back(any_bytes(choices, end));
  } else if (format == "vz" || format == "vu") {
    Bytes views;
    const int64_t size = static_cast<int64_t>(choices.below(40));
    for (int64_t i = 0; i < n; ++i) {
      put(views, static_cast<int32_t>(choices.one_in(16) ? choices.integer() : choices.below(20)));
      put(views, choices.number<int32_t>());
      put(views, static_cast<int32_t>(choices.one_in(8) ? choices.integer() : 0));
      put(views, static_cast<int32_t>(choices.one_in(8) ? choices.integer() : choices.below(8)));
    }
    c.buffers.push_back(views);
    c.buffers.push_back(any_bytes(choices, size));
    Bytes sizes;
    put(sizes, size);
    c.buffers.push_back(sizes);
  } else if (format.starts_with("w:")) {
    const int64_t w = std::atoll(format.c_str() + 2);
    if (w >= 0 && w <= 64) values(w);
  } else if (format.starts_with("d:")) {
    values(16);
  } else if (format.starts_with("t")) {
    values(8);
  } else if (format == "+l" || format == "+L" || format == "+m") {
    c.buffers.push_back(format == "+L" ? any_offsets<int64_t>(choices, n, 0, true)
                                       : any_offsets<int32_t>(choices, n, 0, true));
    c.children = {any_column(choices, static_cast<int64_t>(choices.below(40)), depth - 1)};
  } else if (format.starts_with("+w:")) {
    c.children = {any_column(choices, static_cast<int64_t>(choices.below(60)), depth - 1)};
  } else if (format == "+s") {
    for (size_t k = choices.below(5); k > 0; --k) {
      c.children.push_back(any_column(
          choices, choices.one_in(16) ? 0 : n + static_cast<int64_t>(choices.below(3)), depth - 1));
      static const std::vector<std::string> names = {"type", "size", "indices", "values", "c"};
      c.children.back().name = choices.of(names);
    }
  } else {
    values(8);
  }
  return c;
}

HandMade any_column(Choices& choices, int64_t length, int depth) {
  HandMade c = column_of(choices, any_format(choices, depth), length, depth);
  static const std::string integers = "cCsSiIlL";
  if (depth > 0 && c.format.size() == 1 && integers.find(c.format) != std::string::npos &&
      choices.one_in(4))
    c.dictionary = {any_column(choices, static_cast<int64_t>(choices.below(9)), depth - 1)};
  // Lies that can be found out.
  if (choices.one_in(48)) c.null_count = choices.integer();
  if (choices.one_in(48)) c.length = choices.flag() ? INT64_MAX : -1;
  if (choices.one_in(48)) c.offset = choices.flag() ? INT64_MAX : -1;
  if (choices.one_in(48)) c.n_buffers = static_cast<int64_t>(choices.below(2));
  if (choices.one_in(48)) c.n_children = choices.integer();
  if (choices.one_in(48) && !c.absent.empty()) c.absent.assign(c.buffers.size(), true);
  return c;
}

ColumnOptions any_options(Choices& choices, const std::string& name) {
  ColumnOptions o;
  o.name = name;
  if (choices.one_in(3)) o.dtype = kAllDTypes[choices.below(std::size(kAllDTypes))];
  if (choices.one_in(3)) o.fill = choices.real();
  if (choices.one_in(2))
    o.vocabulary =
        std::make_shared<Vocabulary>(std::vector<std::string>{"a", "b", ""}, choices.flag());
  o.length = choices.one_in(3) ? static_cast<int64_t>(choices.below(8)) : 0;
  o.pad = choices.one_in(8) ? choices.real() : 0.0;
  o.unit = static_cast<Unit>(choices.below(6));
  o.check = static_cast<ColumnOptions::Check>(choices.below(3));
  return o;
}

void run(Choices& choices, const std::shared_ptr<Calls>& calls) {
  // All batches have the first one's columns, with other lengths.
  HandMadeStream given;
  std::vector<std::string> formats(1 + choices.below(3));
  const size_t n_batches = choices.below(4);
  const HandMade model = batch_of([&] {
    std::vector<HandMade> columns;
    for (std::string& format : formats) {
      columns.push_back(any_column(choices, static_cast<int64_t>(choices.below(kMostRows)), 3));
      format = columns.back().format;
      columns.back().name = "c";
      columns.back().name += static_cast<char>('0' + columns.size());
    }
    return columns;
  }());
  for (size_t b = 0; b < n_batches; ++b) {
    HandMade batch = model;
    if (choices.one_in(3)) {
      // Other numbers, the same type.
      const int64_t rows = static_cast<int64_t>(choices.below(kMostRows));
      for (size_t i = 0; i < formats.size(); ++i) {
        HandMade& c = batch.children[i];
        if (!c.children.empty() || !c.dictionary.empty()) continue;
        const std::string name = c.name;
        c = column_of(choices, formats[i], rows, 0);
        c.name = name;
      }
      batch.length = choices.one_in(16) ? choices.integer() : rows;
    }
    given.batches.push_back(std::move(batch));
  }
  if (choices.one_in(16)) given.fail_at = static_cast<int>(choices.below(3));
  ArrowArrayStream source;
  make_stream(std::move(given), &source, calls);
  Stream stream(&source);
  std::vector<ColumnOptions> columns;
  for (size_t i = choices.below(4); i > 0; --i) {
    std::string name = "c";
    name += static_cast<char>('0' + i);
    columns.push_back(any_options(choices, name));
  }
  train::Packs packs;
  if (columns.size() >= 2 && choices.one_in(4)) packs = {{0, 1}};
  train::BlockReader reader(stream, columns, packs);
  train::TableOptions options;
  options.by_content = choices.one_in(4);
  (void)train::read_table(reader, options)->digest();
}

}  // namespace

// Streams of any columns, read in any way: a table or an Error, and each release once.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices choices(data, size);
  const auto calls = std::make_shared<Calls>();
  try {
    run(choices, calls);
  } catch (const Error&) {
  }
  if (calls->schemas != calls->made_schemas || calls->arrays != calls->made_arrays ||
      calls->streams > 1)
    __builtin_trap();
  return 0;
}
