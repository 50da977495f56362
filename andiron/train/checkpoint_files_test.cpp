#include "andiron/train/checkpoint_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "andiron/io/file_testing.hpp"

namespace andiron::train {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

io::NamedTensors tensors_of(int step, int64_t n = 20000) {
  return {{"w", Tensor::full(DType::f32, {n}, step)}, {"step", Tensor::scalar(step, DType::i64)}};
}
std::string document_of(int step) { return nlohmann::json{{"step", step}}.dump(); }
int step_of(const Checkpoint& c) { return nlohmann::json::parse(c.document)["step"]; }

int files_in(const std::string& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), {}));
}

// Everything in the checkpoint says the same step.
void expect_complete(const Checkpoint& c) {
  const int step = step_of(c);
  EXPECT_EQ(c.tensors.at("step").item(), step);
  const Tensor& w = c.tensors.at("w");
  for (int64_t i = 0; i < w.count(); i += 997) ASSERT_EQ(w.item(i), step);
  EXPECT_TRUE(c.skipped.empty());
}

TEST(Checkpoints, the_newest_is_found_and_the_last_n_are_kept) {
  const io::TemporaryFolder folder;
  EXPECT_FALSE(latest_checkpoint(*folder_store(folder / "none"), "run").value_or_throw());
  auto files = CheckpointFiles::open(folder_store(folder / "a/b"), "run", 2).value_or_throw();
  EXPECT_FALSE(files.latest().value_or_throw());
  for (int step = 1; step <= 12; ++step)
    files.save(tensors_of(step), document_of(step)).value_or_throw();
  EXPECT_EQ(files_in(files.store().place()), 2);
  const auto found = files.latest().value_or_throw();
  ASSERT_TRUE(found);
  EXPECT_EQ(step_of(*found), 12);
  expect_complete(*found);
  // mapped tensors outlive the file
  for (int step = 13; step <= 15; ++step)
    files.save(tensors_of(step), document_of(step)).value_or_throw();
  EXPECT_FALSE(fs::exists(found->path));
  expect_complete(*found);
}

TEST(Checkpoints, another_run_is_refused) {
  const io::TemporaryFolder folder;
  auto files = CheckpointFiles::open(folder_store(folder.path()), "monday").value_or_throw();
  files.save(tensors_of(1), document_of(1)).value_or_throw();
  const auto found = latest_checkpoint(*folder_store(folder.path()), "tuesday");
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.failure().report(),
              HasSubstr("belongs to run 'monday', this is run 'tuesday'"));
  EXPECT_FALSE(CheckpointFiles::open(folder_store(folder.path()), "tuesday").ok());
  EXPECT_TRUE(CheckpointFiles::open(folder_store(folder.path()), "monday").ok());
}

TEST(Checkpoints, a_damaged_file_is_passed_over_and_reported) {
  const io::TemporaryFolder folder;
  auto files = CheckpointFiles::open(folder_store(folder.path()), "run").value_or_throw();
  files.save(tensors_of(1), document_of(1)).value_or_throw();
  const std::string newest = files.save(tensors_of(2), document_of(2)).value_or_throw();
  std::fstream(newest, std::ios::in | std::ios::out | std::ios::binary).seekp(50000).put('\x55');
  const auto found = files.latest().value_or_throw();
  ASSERT_TRUE(found);
  EXPECT_EQ(step_of(*found), 1);
  ASSERT_EQ(found->skipped.size(), 1U);
  EXPECT_THAT(found->skipped[0], HasSubstr("damaged"));
  fs::resize_file(found->path, 100);
  const auto none = files.latest();
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.failure().report(), HasSubstr("none of 2 checkpoints is usable"));
  // Training may start anew, with numbers above the damaged ones.
  auto again = CheckpointFiles::open(folder_store(folder.path()), "run").value_or_throw();
  again.save(tensors_of(3), document_of(3)).value_or_throw();
  EXPECT_EQ(step_of(*again.latest().value_or_throw()), 3);
}

TEST(Checkpoints, what_open_has_read_is_not_read_again) {
  const io::TemporaryFolder folder;
  auto files = CheckpointFiles::open(folder_store(folder.path()), "run").value_or_throw();
  const std::string first = files.save(tensors_of(1), document_of(1)).value_or_throw();
  auto again = CheckpointFiles::open(folder_store(folder.path()), "run").value_or_throw();
  fs::remove(first);
  expect_complete(*again.latest().value_or_throw());
  EXPECT_FALSE(again.latest().value_or_throw());
  // After a save the newest is what was saved, not what open found.
  auto third = CheckpointFiles::open(folder_store(folder.path()), "run").value_or_throw();
  third.save(tensors_of(4), document_of(4)).value_or_throw();
  third.save(tensors_of(5), document_of(5)).value_or_throw();
  EXPECT_EQ(step_of(*third.latest().value_or_throw()), 5);
}

TEST(Checkpoints, a_number_is_used_once) {
  const io::TemporaryFolder folder;
  auto files = CheckpointFiles::open(folder_store(folder.path()), "run").value_or_throw();
  {
    const io::FileSizeLimit limit(10000);
    EXPECT_FALSE(files.save(tensors_of(1), document_of(1)).ok());
  }
  EXPECT_THAT(files.save(tensors_of(2), document_of(2)).value_or_throw(), HasSubstr("0002."));
}

TEST(Checkpoints, a_folder_that_cannot_be_written_is_told_at_once) {
  const io::TemporaryFolder folder;
  std::ofstream(folder / "file").put('x');
  const auto none = CheckpointFiles::open(folder_store(folder / "file"), "run");
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.failure().report(), HasSubstr("[checkpoint] cannot use"));
  const auto unmade = CheckpointFiles::open(folder_store("/proc/self/checkpoints"), "run");
  ASSERT_FALSE(unmade.ok());
  const auto read_only = CheckpointFiles::open(folder_store("/proc/self"), "run");
  ASSERT_FALSE(read_only.ok());
}

TEST(Checkpoints, a_full_disk_keeps_what_was_there) {
  const io::TemporaryFolder folder;
  auto files = CheckpointFiles::open(folder_store(folder.path()), "run").value_or_throw();
  files.save(tensors_of(1), document_of(1)).value_or_throw();
  {
    const io::FileSizeLimit limit(10000);
    const auto saved = files.save(tensors_of(2), document_of(2));
    ASSERT_FALSE(saved.ok());
    EXPECT_EQ(saved.failure().errno_code(), EFBIG);
    EXPECT_THAT(saved.failure().report(), HasSubstr("[checkpoint] cannot save to"));
  }
  EXPECT_EQ(files_in(folder.path()), 1);
  const auto found = files.latest().value_or_throw();
  EXPECT_EQ(step_of(*found), 1);
  expect_complete(*found);
}

TEST(Checkpoints, a_writer_killed_at_any_moment_leaves_a_complete_one) {
  const io::TemporaryFolder folder;
  std::mt19937 random(5);
  int before = 0, killed_with_new_file = 0;
  for (int round = 0; round < 25; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto files = CheckpointFiles::open(folder_store(folder.path()), "run", 2);
      if (!files.ok()) ::_exit(1);
      for (int step = before + 1;; ++step)
        if (!files.value().save(tensors_of(step), document_of(step)).ok()) ::_exit(2);
    }
    ::usleep(5000 + random() % 40000);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed with " << WEXITSTATUS(status);
    for (const auto& entry : fs::directory_iterator(folder.path()))
      killed_with_new_file += entry.path().string().find(".new-") != std::string::npos;
    const auto found = latest_checkpoint(*folder_store(folder.path()), "run").value_or_throw();
    if (!found) continue;
    expect_complete(*found);
    EXPECT_GE(step_of(*found), before);
    before = step_of(*found);
  }
  EXPECT_GT(before, 0);
  // Unfinished files of dead writers go when the next one begins.
  auto files = CheckpointFiles::open(folder_store(folder.path()), "run", 2).value_or_throw();
  for (const auto& entry : fs::directory_iterator(folder.path()))
    EXPECT_EQ(entry.path().string().find(".new-"), std::string::npos);
  RecordProperty("killed_while_writing", killed_with_new_file);
}

}  // namespace
}  // namespace andiron::train
