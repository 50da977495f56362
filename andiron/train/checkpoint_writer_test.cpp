#include "andiron/train/checkpoint_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "andiron/base/error.hpp"
#include "andiron/train/memory_store_testing.hpp"

namespace andiron::train {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::unique_ptr<CheckpointWriter> writer_to(const std::shared_ptr<MemoryStore>& store) {
  return std::make_unique<CheckpointWriter>(CheckpointFiles::open(store, "run").value_or_throw());
}

Snapshot snapshot(int64_t step) {
  return {{{"x", Tensor::full(DType::f32, {1000}, static_cast<double>(step))}}, "{}", step};
}

TEST(CheckpointWriter, returns_while_it_writes) {
  const auto store = std::make_shared<MemoryStore>();
  const auto writer = writer_to(store);
  writer->write(snapshot(1));  // nobody has let the store write yet: it would wait for ever
  ASSERT_TRUE(store->writing.try_acquire_for(MemoryStore::kLong));
  EXPECT_TRUE(writer->busy());
  EXPECT_TRUE(store->files.empty());
  store->may_write.release();
  writer->wait();
  EXPECT_FALSE(writer->busy());
  EXPECT_EQ(store->files.size(), 1U);
  EXPECT_EQ(store->told, (std::map<int64_t, std::string>{{1, ""}}));
}

TEST(CheckpointWriter, a_failure_is_thrown_once_and_writing_goes_on) {
  const auto store = std::make_shared<MemoryStore>();
  const auto writer = writer_to(store);
  store->may_write.release(3);
  store->failing = true;
  writer->write(snapshot(1));
  try {
    writer->wait();
    FAIL() << "no error";
  } catch (const IoError& e) {
    EXPECT_THAT(e.what(), HasSubstr("[checkpoint] cannot save to 'memory'"));
    EXPECT_THAT(e.what(), HasSubstr("no space in memory"));
  }
  writer->wait();
  store->failing = false;
  writer->write(snapshot(2));
  writer->wait();
  EXPECT_EQ(store->files.begin()->first, "checkpoint-0000000002.safetensors");
}

TEST(CheckpointWriter, a_store_that_is_not_strict_tells_and_nobody_throws) {
  const auto store = std::make_shared<MemoryStore>(/*strict=*/false);
  const auto writer = writer_to(store);
  store->may_write.release(2);
  store->failing = true;
  writer->write(snapshot(7));
  writer->wait();
  EXPECT_THAT(store->told.at(7), HasSubstr("no space in memory"));
}

TEST(CheckpointWriter, a_wait_can_be_ended_and_the_write_goes_on) {
  const auto store = std::make_shared<MemoryStore>();
  const auto writer = writer_to(store);
  writer->write(snapshot(1));
  struct Interrupted {};
  EXPECT_THROW(writer->wait([] { throw Interrupted(); }), Interrupted);
  EXPECT_TRUE(writer->busy());
  store->may_write.release();
  writer->wait();
  EXPECT_EQ(store->files.size(), 1U);
}

TEST(CheckpointWriter, destruction_waits_for_what_is_under_way_or_abandoned) {
  const auto store = std::make_shared<MemoryStore>();
  auto writer = writer_to(store);
  writer->write(snapshot(1));
  std::thread later([&] {
    std::this_thread::sleep_for(20ms);
    store->may_write.release();
  });
  writer.reset();
  EXPECT_EQ(store->files.size(), 1U);
  later.join();
  writer = writer_to(store);
  writer->write(snapshot(2));
  writer->abandon();
  writer.reset();
  EXPECT_EQ(store->files.size(), 1U);
}

TEST(CheckpointWriter, the_next_snapshot_is_in_the_same_memory) {
  const auto store = std::make_shared<MemoryStore>();
  auto writer = writer_to(store);
  store->may_write.release(100);
  Snapshot first = snapshot(1);
  first.tensors["gone"] = Tensor::full(DType::f32, {9}, 0);
  const void* x = first.tensors.at("x").raw();
  const std::weak_ptr<Buffer> gone = first.tensors.at("gone").buffer();
  writer->write(std::move(first));
  writer->wait();
  Snapshot second{{}, "{}", 2};
  {
    io::NamedTensors memory = writer->take_memory();
    second.add("x", Tensor::full(DType::f32, {1000}, 2), memory);
    second.add("y", Tensor::full(DType::f32, {5}, 3), memory);
  }
  EXPECT_EQ(second.tensors.at("x").raw(), x);
  EXPECT_EQ(second.tensors.at("x").item(999), 2);
  EXPECT_EQ(second.tensors.at("y").item(4), 3);
  EXPECT_TRUE(gone.expired());
  writer->write(std::move(second));
  writer->wait();
  Snapshot third;
  io::NamedTensors memory = writer->take_memory();
  third.add("x", Tensor::full(DType::f32, {10, 100}, 4), memory);  // another shape
  EXPECT_NE(third.tensors.at("x").raw(), x);
  EXPECT_EQ(third.tensors.at("x").item(999), 4);
}

}  // namespace
}  // namespace andiron::train
