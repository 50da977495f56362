#include "andiron/io/arrow/convert.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/io/arrow/arrow_testing.hpp"
#include "andiron/io/arrow/stream.hpp"

namespace andiron::io::arrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor converted(HandMade column, ColumnOptions options = {}) {
  auto calls = std::make_shared<Calls>();
  options.name = column.name;
  ArrowArrayStream source;
  make_stream({.batches = {batch_of({std::move(column)})}}, &source, calls);
  Stream stream(&source);
  const auto batch = stream.next({0}).value_or_throw();
  return Converter(options, stream.schema().children[0]).convert(batch->columns[0], 100);
}

std::vector<double> values(const Tensor& t) {
  std::vector<double> out;
  for (int64_t i = 0; i < t.count(); ++i) out.push_back(t.item(i));
  return out;
}

std::string message(const HandMade& column, const ColumnOptions& options = {}) {
  try {
    converted(column, options);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

HandMade with_nulls(HandMade column, uint8_t bits, int64_t n) {
  column.buffers[0] = {bits};
  column.absent[0] = false;
  column.null_count = n;
  return column;
}

TEST(ArrowConvert, plain_numbers_are_views_that_keep_the_memory) {
  HandMade column = numbers<float>("f", "x", {1, 2, 3, 4});
  column.offset = 1;
  column.length = 2;
  const Tensor t = converted(column);
  EXPECT_FALSE(t.buffer()->writable());
  EXPECT_THAT(values(t), ElementsAre(2, 3));  // under ASan: the memory lives
}

TEST(ArrowConvert, nulls_follow_the_policy) {
  const HandMade column = with_nulls(numbers<int32_t>("i", "x", {5, 6, 7}), 0b101, 1);
  EXPECT_THAT(message(column), HasSubstr("column 'x': row 101 is null"));
  EXPECT_THAT(values(converted(column, {.fill = -1.0})), ElementsAre(5, -1, 7));
  const Tensor nan = converted(column, {.fill = NAN});
  EXPECT_EQ(nan.dtype(), DType::f64);
  EXPECT_TRUE(std::isnan(nan.item(1)));
  EXPECT_THAT(message(column, {.dtype = DType::i32, .fill = NAN}), HasSubstr("floating dtype"));
}

TEST(ArrowConvert, what_a_dtype_cannot_hold_is_refused) {
  const HandMade column = numbers<int64_t>("l", "x", {1, 300});
  EXPECT_THAT(message(column, {.dtype = DType::u8}),
              HasSubstr("row 101 is 300, which uint8 cannot hold"));
  EXPECT_THAT(message(numbers<double>("g", "x", {1e10}), {.dtype = DType::i32}),
              HasSubstr("int32 cannot hold"));
  EXPECT_THAT(message(numbers<uint64_t>("L", "x", {1ULL << 63})), HasSubstr("int64 cannot hold"));
}

TEST(ArrowConvert, half_floats) {
  const HandMade column = numbers<uint16_t>("e", "x", {0x3C00, 0xC000, 0x0001, 0x7C00, 0x8000});
  EXPECT_THAT(values(converted(column)),
              ElementsAre(1.0, -2.0, 0x1p-24, std::numeric_limits<double>::infinity(), -0.0));
}

TEST(ArrowConvert, times_change_their_unit_and_round_down) {
  const HandMade column = numbers<int64_t>("tsm:UTC", "x", {-1, 1999, 86400000});
  EXPECT_THAT(values(converted(column)), ElementsAre(-1, 1999, 86400000));
  EXPECT_THAT(values(converted(column, {.unit = Unit::s})), ElementsAre(-1, 1, 86400));
  EXPECT_THAT(values(converted(column, {.unit = Unit::days})), ElementsAre(-1, 0, 1));
  EXPECT_THAT(values(converted(column, {.dtype = DType::f64, .unit = Unit::s})),
              ElementsAre(-0.001, 1.999, 86400));
  EXPECT_THAT(message(numbers<int64_t>("tss:", "x", {int64_t{1} << 40}), {.unit = Unit::ns}),
              HasSubstr("int64 cannot hold"));
  EXPECT_THAT(message(numbers<int64_t>("l", "x", {1}), {.unit = Unit::s}),
              HasSubstr("a unit is for times"));
}

TEST(ArrowConvert, misaligned_memory_is_copied) {
  // A buffer whose numbers begin one byte late: what a producer over a raw file may hand out.
  static uint8_t memory[4 * 3 + 1];
  const float numbers_in[] = {1.5F, 2.5F, 3.5F};
  std::memcpy(memory + 1, numbers_in, sizeof(numbers_in));
  const void* buffers[] = {nullptr, memory + 1};
  ArrowArray array{};
  array.length = 3;
  array.n_buffers = 2;
  array.buffers = buffers;
  array.release = [](ArrowArray*) {};
  const Type type{.name = "x", .format = "f", .kind = Kind::f32};
  const Array column = view_array(array, type, "x");
  EXPECT_THAT(values(Converter({.name = "x"}, type).convert(column, 0)),
              ElementsAre(1.5, 2.5, 3.5));
}

HandMade list_of(std::vector<int32_t> offsets, HandMade child) {
  return {.format = "+l",
          .name = "x",
          .length = static_cast<int64_t>(offsets.size()) - 1,
          .buffers = {{}, bytes_of(offsets)},
          .absent = {true, false},
          .children = {std::move(child)}};
}

TEST(ArrowConvert, lists_are_rows) {
  const HandMade child = numbers<int32_t>("i", "item", {1, 2, 3, 4, 5, 6});
  const Tensor even = converted(list_of({1, 3, 5}, child));
  EXPECT_EQ(even.sizes(), (Sizes{2, 2}));
  EXPECT_THAT(values(even), ElementsAre(2, 3, 4, 5));
  EXPECT_FALSE(even.buffer()->writable());  // a view
  const HandMade ragged = list_of({0, 2, 2, 5}, child);
  EXPECT_THAT(message(ragged), HasSubstr("row 101 is a list of 0; the rows before it have 2"));
  EXPECT_THAT(values(converted(ragged, {.length = 3, .pad = -1})),
              ElementsAre(1, 2, -1, -1, -1, -1, 3, 4, 5));
  EXPECT_THAT(message(ragged, {.length = 2}), HasSubstr("row 102 is a list of 3; length is 2"));
  // A first list that is empty must not pass as one that has not been seen.
  EXPECT_THAT(message(list_of({0, 0, 2}, child)), HasSubstr("row 101 is a list of 2"));
}

TEST(ArrowConvert, null_lists_and_null_elements) {
  const HandMade child = numbers<int32_t>("i", "item", {1, 2, 3, 4});
  const HandMade lists = with_nulls(list_of({0, 2, 2, 4}, child), 0b101, 1);
  EXPECT_THAT(message(lists), HasSubstr("row 101 is null"));
  EXPECT_THAT(values(converted(lists, {.fill = 9.0})), ElementsAre(1, 2, 9, 9, 3, 4));
  const HandMade elements = list_of({0, 2, 4}, with_nulls(child, 0b0111, 1));
  EXPECT_THAT(message(elements), HasSubstr("row 101 is null"));
  EXPECT_THAT(values(converted(elements, {.fill = 9.0})), ElementsAre(1, 2, 3, 9));
  HandMade fixed{.format = "+w:2",
                 .name = "x",
                 .length = 2,
                 .buffers = {{}},
                 .absent = {true},
                 .children = {with_nulls(child, 0b0011, 2)}};
  EXPECT_THAT(message(fixed), HasSubstr("row 101 is null"));
  // Below a null row anything may stand.
  EXPECT_THAT(values(converted(with_nulls(fixed, 0b01, 1), {.fill = 0.5, .length = 3, .pad = 7})),
              ElementsAre(1, 2, 7, 0, 0, 0));
}

TEST(ArrowConvert, spark_vectors_dense_and_sparse) {
  const auto vectors = [](std::vector<int32_t> indices) {
    HandMade type = numbers<int8_t>("c", "type", {1, 0});
    HandMade size = with_nulls(numbers<int32_t>("i", "size", {0, 3}), 0b10, 1);
    HandMade index =
        with_nulls(list_of({0, 0, 2}, numbers<int32_t>("i", "item", indices)), 0b10, 1);
    index.name = "indices";
    HandMade value = list_of({0, 3, 5}, numbers<double>("g", "item", {1, 2, 3, 4, 5}));
    value.name = "values";
    return HandMade{.format = "+s",
                    .name = "x",
                    .length = 2,
                    .buffers = {{}},
                    .absent = {true},
                    .children = {type, size, index, value}};
  };
  EXPECT_THAT(values(converted(vectors({0, 2}))), ElementsAre(1, 2, 3, 4, 0, 5));
  EXPECT_EQ(converted(vectors({0, 2}), {.dtype = DType::f32}).dtype(), DType::f32);
  EXPECT_THAT(message(vectors({0, 3})), HasSubstr("row 101 is no vector: an index is beyond"));
  EXPECT_THAT(message(vectors({-1, 2})), HasSubstr("beyond its size"));
  HandMade other = vectors({0, 2});
  other.children[0].buffers[1] = bytes_of<int8_t>({1, 2});
  EXPECT_THAT(message(other), HasSubstr("neither 0 nor 1"));
  EXPECT_THAT(message(vectors({0, 2}), {.length = 4}), HasSubstr("row 100 is a vector of 3"));
}

TEST(ArrowConvert, bytes_of_a_binary_as_booleans_are_true_or_false) {
  const HandMade binary{
      .format = "z",
      .name = "x",
      .length = 2,
      .buffers = {{}, bytes_of<int32_t>({0, 2, 4}), bytes_of<uint8_t>({90, 0, 1, 2})},
      .absent = {true, false, false}};
  const Tensor flags = converted(binary, {.dtype = DType::boolean});
  const auto* bytes = reinterpret_cast<const uint8_t*>(flags.raw());
  EXPECT_THAT(std::vector<int>(bytes, bytes + 4), ElementsAre(1, 0, 1, 1));
}

TEST(ArrowConvert, texts_through_a_vocabulary) {
  HandMade text{.format = "u",
                .name = "x",
                .length = 3,
                .buffers = {{}, bytes_of<int32_t>({0, 1, 3, 4}), bytes_of("abbc")},
                .absent = {true, false, false}};
  EXPECT_THAT(message(text), HasSubstr("column 'x' is string: texts need a vocabulary"));
  const std::vector<std::string> known = {"bb", "c"};
  ColumnOptions open, closed;
  open.vocabulary = std::make_shared<Vocabulary>(known);
  closed.vocabulary = std::make_shared<Vocabulary>(known, false);
  EXPECT_THAT(values(converted(text, open)), ElementsAre(0, 1, 2));
  EXPECT_THAT(message(text, closed), HasSubstr("row 100 is 'a', which the vocabulary does not"));
  // The same through a dictionary, of which one entry is unknown and unused, or used.
  HandMade encoded = numbers<int16_t>("s", "x", {2, 1, 2});
  encoded.dictionary = {text};
  EXPECT_THAT(values(converted(encoded, closed)), ElementsAre(1, 0, 1));
  encoded.buffers[1] = bytes_of<int16_t>({2, 0, 1});
  EXPECT_THAT(message(encoded, closed), HasSubstr("row 101 is 'a'"));
  EXPECT_THAT(values(converted(encoded, open)), ElementsAre(2, 0, 1));
  // A null entry is a null row.
  encoded.dictionary[0] = with_nulls(text, 0b110, 1);
  EXPECT_THAT(message(encoded, open), HasSubstr("row 101 is null"));
}

TEST(ArrowConvert, labels_and_weights_are_checked) {
  using Check = ColumnOptions::Check;
  const HandMade column = numbers<double>("g", "x", {1, -1, NAN});
  EXPECT_THAT(message(column, {.check = Check::finite}),
              HasSubstr("must be finite; row 102 is nan"));
  EXPECT_THAT(message(column, {.check = Check::weight}),
              HasSubstr("finite and not negative; row 101 is -1"));
}

TEST(ArrowConvert, numbers_beyond_a_range_are_told_and_extremes_are_kept) {
  using Check = ColumnOptions::Check;
  const HandMade column = numbers<int64_t>("l", "kind", {2, -1, 0, 7, 7});
  ColumnOptions options{.check = Check::finite};
  options.range = {.least = 0, .most = 2, .rule = "a loss takes ids from 0 to 2", .hint = "So."};
  EXPECT_THAT(message(column, options),
              HasSubstr("column 'kind': a loss takes ids from 0 to 2; row 101 is -1. So."));
  options.range->besides = -1.0;
  EXPECT_THAT(message(column, options), HasSubstr("row 103 is 7"));

  auto calls = std::make_shared<Calls>();
  ArrowArrayStream source;
  make_stream({.batches = {batch_of({column})}}, &source, calls);
  Stream stream(&source);
  const auto batch = stream.next({0}).value_or_throw();
  Converter converter({.name = "kind", .check = Check::finite}, stream.schema().children[0]);
  (void)converter.convert(batch->columns[0], 100);
  const auto& [least, most] = converter.extremes();
  EXPECT_EQ(least[0].value, -1.0);
  EXPECT_EQ(least[0].row, 101);
  EXPECT_EQ(least[1].value, 0.0);
  EXPECT_EQ(least[1].row, 102);
  EXPECT_EQ(most[0].value, 7.0);
  EXPECT_EQ(most[0].row, 103);  // the first of two
  EXPECT_EQ(most[1].value, 2.0);
  EXPECT_EQ(most[1].row, 100);
}

TEST(ArrowConvert, what_has_no_numbers_is_refused) {
  HandMade pair{.format = "+s",
                .name = "x",
                .length = 1,
                .buffers = {{}},
                .absent = {true},
                .children = {numbers<int32_t>("i", "a", {1})}};
  EXPECT_THAT(message(pair),
              HasSubstr("column 'x' is struct<a: int32>, which Andiron cannot read"));
  HandMade other = numbers<int32_t>("+vl", "x", {1});
  EXPECT_THAT(message(other), HasSubstr("cannot read"));
  HandMade encoded = numbers<int8_t>("c", "x", {0});
  encoded.dictionary = {list_of({0, 1}, numbers<int32_t>("i", "item", {1}))};
  EXPECT_THAT(message(encoded), HasSubstr("dictionary's values must be"));
}

TEST(Vocabulary, is_built_by_frequency_and_saved_as_json) {
  HandMade text{.format = "u",
                .name = "x",
                .length = 4,
                .buffers = {{}, bytes_of<int32_t>({0, 1, 2, 3, 5}), bytes_of("bacaa")},
                .absent = {true, false, false}};
  text.buffers[2] = bytes_of("babcc");
  const Type type{.name = "x", .format = "u", .kind = Kind::text};
  auto calls = std::make_shared<Calls>();
  ArrowArray array{};
  make_array(text, &array, calls);
  VocabularyBuilder builder;
  builder.add(view_array(array, type, "x"));
  array.release(&array);
  EXPECT_THAT(builder.build().entries(), ElementsAre("b", "a", "cc"));
  EXPECT_THAT(builder.build(2).entries(), ElementsAre("b", "a"));
  EXPECT_THAT(builder.build(0, 2).entries(), ElementsAre("b"));
  const Vocabulary v = Vocabulary::from_json(Vocabulary({"\"q\"", "é"}, false).json());
  EXPECT_EQ(v.id("é"), 1);
  EXPECT_EQ(v.id("x"), Vocabulary::kNone);
  EXPECT_THROW(Vocabulary({"a", "a"}), Error);
  EXPECT_THROW(Vocabulary({"\xFF"}).json(), Error);
  for (const char* bad : {"", "[]", "{}", R"({"format": "andiron vocabulary", "version": 2})",
                          R"({"format": "andiron vocabulary", "version": 1, "entries": 3})"})
    EXPECT_THROW(Vocabulary::from_json(bad), Error) << bad;
}

}  // namespace
}  // namespace andiron::io::arrow
