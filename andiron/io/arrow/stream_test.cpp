#include "andiron/io/arrow/stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "andiron/base/error.hpp"
#include "andiron/io/arrow/arrow_testing.hpp"
#include "andiron/io/arrow/convert.hpp"

namespace andiron::io::arrow {
namespace {

using testing::HasSubstr;

// Every struct that was made is released, and no struct twice.
void expect_balanced(const Calls& calls) {
  EXPECT_EQ(calls.streams, 1);
  EXPECT_EQ(calls.schemas, calls.made_schemas);
  EXPECT_EQ(calls.arrays, calls.made_arrays);
}

std::string message_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

// Reads one column of one batch as numbers; the message of what goes wrong.
std::string reading(HandMade column, ColumnOptions options = {}) {
  auto calls = std::make_shared<Calls>();
  options.name = column.name;
  const std::string message = message_of([&] {
    ArrowArrayStream source;
    make_stream({.batches = {batch_of({std::move(column)})}}, &source, calls);
    Stream stream(&source);
    const auto batch = stream.next({0}).value_or_throw();
    Converter(options, stream.schema().children[0]).convert(batch->columns[0], 0);
  });
  expect_balanced(*calls);
  return message;
}

TEST(ArrowStream, columns_outlive_their_stream_and_are_released_once) {
  auto calls = std::make_shared<Calls>();
  {
    std::vector<Array> kept;
    std::shared_ptr<const Type> schema;
    {
      ArrowArrayStream source;
      make_stream({.batches = {batch_of({numbers<int32_t>("i", "a", {1, 2, 3}),
                                         numbers<double>("g", "b", {4, 5, 6})}),
                               batch_of({numbers<int32_t>("i", "a", {7}),
                                         numbers<double>("g", "b", {8})})}},
                  &source, calls);
      Stream stream(&source);
      EXPECT_EQ(source.release, nullptr);  // moved
      while (auto batch = stream.next({1}).value_or_throw()) {
        schema = batch->schema;
        kept.push_back(std::move(batch->columns[0]));
      }
      EXPECT_FALSE(stream.next({1}).value_or_throw().has_value());  // stays at the end
    }
    EXPECT_EQ(calls->arrays, 4);  // two batches and their columns 'a'
    EXPECT_EQ(kept[0].number<double>(2), 6.0);
    EXPECT_EQ(kept[1].number<double>(0), 8.0);
  }
  expect_balanced(*calls);
}

TEST(ArrowStream, failures_of_the_producer_come_with_its_words) {
  for (int at : {0, 1}) {
    auto calls = std::make_shared<Calls>();
    ArrowArrayStream source;
    make_stream({.batches = {batch_of({numbers<int32_t>("i", "a", {1})})}, .fail_at = at}, &source,
                calls);
    {
      Stream stream(&source);
      if (at == 1) {
        EXPECT_TRUE(stream.next({0}).ok());
      }
      const auto failed = stream.next({0});
      ASSERT_FALSE(failed.ok());
      EXPECT_THAT(failed.failure().report(), HasSubstr("the wire was cut"));
      EXPECT_EQ(failed.failure().errno_code(), ENETDOWN);
    }
    expect_balanced(*calls);
  }
  auto calls = std::make_shared<Calls>();
  ArrowArrayStream source;
  make_stream({.fail_schema = true}, &source, calls);
  EXPECT_THAT(message_of([&] { Stream s(&source); }), HasSubstr("the wire was cut"));
  expect_balanced(*calls);
  EXPECT_THAT(message_of([&] { Stream s(&source); }), HasSubstr("taken already"));
}

TEST(ArrowStream, names_are_found_or_refused) {
  auto calls = std::make_shared<Calls>();
  ArrowArrayStream source;
  make_stream(
      {.batches = {batch_of({numbers<int32_t>("i", "a", {1}), numbers<int32_t>("i", "b", {1}),
                             numbers<int32_t>("i", "b", {1})})}},
      &source, calls);
  Stream stream(&source);
  EXPECT_EQ(stream.find("a"), 0U);
  EXPECT_THAT(message_of([&] { stream.find("c"); }),
              HasSubstr("no column 'c'; there are 'a', 'b'"));
  EXPECT_THAT(message_of([&] { stream.find("b"); }), HasSubstr("two columns 'b'"));
}

TEST(ArrowStream, a_stream_of_something_else_is_refused) {
  auto calls = std::make_shared<Calls>();
  ArrowArrayStream source;
  make_stream({.batches = {numbers<int32_t>("i", "a", {1})}}, &source, calls);
  EXPECT_THAT(message_of([&] { Stream s(&source); }), HasSubstr("record batches is needed"));
  expect_balanced(*calls);
}

TEST(ArrowLies, about_lengths_and_counts) {
  HandMade ok = numbers<int32_t>("i", "x", {1, 2, 3});
  EXPECT_EQ(reading(ok), "no error");
  HandMade lie = ok;
  lie.length = -3;
  EXPECT_THAT(reading(lie), HasSubstr("make no sense"));
  lie = ok;
  lie.offset = -1;
  EXPECT_THAT(reading(lie), HasSubstr("column 'x': length 3 and offset -1 make no sense"));
  lie = ok;
  lie.null_count = 4;
  EXPECT_THAT(reading(lie), HasSubstr("4 nulls among 3 values"));
  lie.null_count = 1;  // and no bitmap
  EXPECT_THAT(reading(lie), HasSubstr("no bitmap"));
  lie = ok;
  lie.n_buffers = 1;
  EXPECT_THAT(reading(lie), HasSubstr("int32 has 2 buffers; got 1"));
  lie = ok;
  lie.absent = {true, true};
  EXPECT_THAT(reading(lie), HasSubstr("buffer 1 is a null pointer"));
  lie = ok;
  lie.n_children = 1;
  EXPECT_THAT(reading(lie), HasSubstr("int32 has 0 children; got 1"));
}

TEST(ArrowLies, about_offsets) {
  const auto list = [](std::vector<int32_t> offsets) {
    return HandMade{.format = "+l",
                    .name = "x",
                    .length = 2,
                    .buffers = {{}, bytes_of(offsets)},
                    .absent = {true, false},
                    .children = {numbers<float>("f", "item", {1, 2, 3, 4})}};
  };
  EXPECT_EQ(reading(list({0, 2, 4})), "no error");
  EXPECT_THAT(reading(list({0, 3, 2})), HasSubstr("offsets go back from 3 to 2 after row 1"));
  EXPECT_THAT(reading(list({-1, 2, 4})), HasSubstr("offset 0 is -1"));
  EXPECT_THAT(reading(list({1, 3, 5})), HasSubstr("its lists end at 5, its values at 4"));
  HandMade text{.format = "u",
                .name = "x",
                .length = 2,
                .buffers = {{}, bytes_of<int32_t>({0, 2, 1}), bytes_of("ab")},
                .absent = {true, false, false}};
  ColumnOptions words;
  words.vocabulary = std::make_shared<Vocabulary>(std::vector<std::string>{"ab"});
  EXPECT_THAT(reading(text, words), HasSubstr("offsets go back"));
  text.buffers[1] = bytes_of<int32_t>({0, 2, 2});
  EXPECT_EQ(reading(text, words), "no error");
  text.absent[2] = true;
  EXPECT_THAT(reading(text, words), HasSubstr("buffer 2 is a null pointer"));
}

TEST(ArrowLies, about_views) {
  const auto view = [](int32_t length, int32_t buffer, int32_t offset) {
    return bytes_of<int32_t>({length, 0, buffer, offset});
  };
  const auto column = [&](std::vector<uint8_t> views) {
    return HandMade{
        .format = "vz",
        .name = "x",
        .length = 1,
        .buffers = {{}, std::move(views), bytes_of(std::string(20, 'a')), bytes_of<int64_t>({20})},
        .absent = {true}};
  };
  EXPECT_EQ(reading(column(view(20, 0, 0))), "no error");
  EXPECT_EQ(reading(column(view(12, 9, 9))), "no error");  // the text itself
  EXPECT_THAT(reading(column(view(20, 0, 1))), HasSubstr("row 0 lies beyond its buffer"));
  EXPECT_THAT(reading(column(view(20, 0, -1))), HasSubstr("lies beyond"));
  EXPECT_THAT(reading(column(view(20, 1, 0))), HasSubstr("lies beyond"));
  EXPECT_THAT(reading(column(view(20, -1, 0))), HasSubstr("lies beyond"));
  EXPECT_THAT(reading(column(view(-1, 0, 0))), HasSubstr("row 0 has -1 bytes"));
  HandMade lie = column(view(20, 0, 0));
  lie.n_buffers = 2;
  EXPECT_THAT(reading(lie), HasSubstr("binary_view has 3 buffers; got 2"));
  lie.n_buffers = -1;
  lie.absent = {true, false, false, true};
  EXPECT_THAT(reading(lie), HasSubstr("sizes of its buffers are a null pointer"));
}

TEST(ArrowLies, about_children) {
  HandMade fixed{.format = "+w:2",
                 .name = "x",
                 .length = 3,
                 .buffers = {{}},
                 .absent = {true},
                 .children = {numbers<float>("f", "item", {1, 2, 3, 4, 5, 6})}};
  EXPECT_EQ(reading(fixed), "no error");
  fixed.offset = 1;
  EXPECT_THAT(reading(fixed), HasSubstr("child 0 has 6 values; 8 are needed"));
  fixed.offset = 0;
  fixed.format = "+w:";
  EXPECT_THAT(reading(fixed), HasSubstr("has no width"));
  fixed.format = "+w:4611686018427387904";
  EXPECT_THAT(reading(fixed), HasSubstr("absurdly long"));
  HandMade none{.format = "+l", .name = "x"};
  EXPECT_THAT(reading(none), HasSubstr("a list has one child; its schema has 0"));
}

TEST(ArrowLies, about_dictionaries) {
  HandMade encoded = numbers<int8_t>("c", "x", {0, 1, 2});
  encoded.dictionary = {numbers<float>("f", "", {1.5F, 2.5F, 3.5F})};
  EXPECT_EQ(reading(encoded), "no error");
  encoded.buffers[1] = bytes_of<int8_t>({0, 3, 1});
  EXPECT_THAT(reading(encoded), HasSubstr("row 1 is entry 3 of a dictionary of 3"));
  encoded.buffers[1] = bytes_of<int8_t>({0, -1, 1});
  EXPECT_THAT(reading(encoded), HasSubstr("entry -1"));
  encoded.format = "g";
  EXPECT_THAT(reading(encoded), HasSubstr("indices are integers"));
}

TEST(ArrowLies, batches_without_their_columns) {
  for (int lie = 0; lie < 3; ++lie) {
    auto calls = std::make_shared<Calls>();
    HandMade good = batch_of({numbers<int32_t>("i", "a", {1, 2})}), bad = good;
    if (lie == 0) bad.children.clear();
    if (lie == 1) bad.length = 3;  // more rows than its column has
    if (lie == 2) bad.offset = 1;
    {
      ArrowArrayStream source;
      make_stream({.batches = {good, bad}}, &source, calls);
      Stream stream(&source);
      EXPECT_TRUE(stream.next({0}).ok());
      EXPECT_NE(message_of([&] { (void)stream.next({0}); }), "no error") << lie;
    }
    expect_balanced(*calls);
  }
}

TEST(ArrowStream, a_batchs_offset_reaches_its_columns) {
  auto calls = std::make_shared<Calls>();
  HandMade batch = batch_of({numbers<int32_t>("i", "a", {1, 2, 3, 4})});
  batch.offset = 1;
  batch.length = 2;
  ArrowArrayStream source;
  make_stream({.batches = {batch}}, &source, calls);
  Stream stream(&source);
  const auto read = stream.next({0}).value_or_throw();
  EXPECT_EQ(read->rows, 2);
  EXPECT_EQ(read->columns[0].length, 2);
  EXPECT_EQ(read->columns[0].number<int32_t>(0), 2);
}

TEST(ArrowType, formats_and_metadata_are_read) {
  const auto type = [](const char* format) {
    ArrowSchema schema{};
    schema.format = format;
    schema.name = "x";
    schema.release = [](ArrowSchema*) {};
    return parse_type(schema);
  };
  EXPECT_EQ(type("tsu:Europe/Rome").str(), "timestamp[us]");
  EXPECT_EQ(type("tsu:Europe/Rome").ticks_per_second, 1000000);
  EXPECT_EQ(type("tts").kind, Kind::i32);
  EXPECT_EQ(type("ttn").kind, Kind::i64);
  EXPECT_TRUE(type("tdD").days);
  EXPECT_EQ(type("d:10,-2").scale, -2);
  EXPECT_EQ(type("d:10,2,256").kind, Kind::other);
  EXPECT_EQ(type("w:16").width, 16);
  EXPECT_EQ(type("+vl").kind, Kind::other);
  EXPECT_EQ(type("tiD").kind, Kind::other);
  const int32_t counts[] = {1, 3};
  std::string metadata(reinterpret_cast<const char*>(counts), sizeof(counts));
  const int32_t two = 2;
  metadata += "key" + std::string(reinterpret_cast<const char*>(&two), 4) + "vv";
  ArrowSchema schema{};
  schema.format = "i";
  schema.metadata = metadata.data();
  schema.release = [](ArrowSchema*) {};
  EXPECT_EQ(parse_type(schema).metadata.at("key"), "vv");
  const int32_t lie = -1;
  schema.metadata = reinterpret_cast<const char*>(&lie);
  EXPECT_THAT(message_of([&] { parse_type(schema); }), HasSubstr("negative length"));
}

}  // namespace
}  // namespace andiron::io::arrow
