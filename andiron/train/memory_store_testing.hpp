#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <semaphore>
#include <string>

#include "andiron/train/checkpoint_store.hpp"

namespace andiron::train {

/// Files in memory. Each write waits until the test releases `may_write`, and fails when it wants.
class MemoryStore : public CheckpointStore {
 public:
  static constexpr std::chrono::seconds kLong{60};  // a deadlock becomes a failure

  explicit MemoryStore(bool strict = true) : strict_(strict) {}

  const std::string& place() const override { return place_; }
  Result<> open() override { return success(); }
  Result<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files) names.push_back(name);
    return names;
  }
  Result<> write(const std::string& name, const io::NamedTensors& tensors,
                 const io::Metadata& metadata) override {
    writing.release();
    if (!may_write.try_acquire_for(kLong)) return failure("the test is stuck");
    if (abandoned) return failure("abandoned");
    if (failing) return failure("no space in memory");
    files[name] = io::safetensors_bytes(tensors, metadata);
    return success();
  }
  Result<io::TensorFile> read(const std::string& name) override {
    return io::parse_safetensors(std::string_view(files.at(name)), name);
  }
  Result<> remove(const std::string& name) override {
    files.erase(name);
    return success();
  }
  bool strict() const override { return strict_; }
  void report(int64_t step, const Failure* why) override {
    told[step] = why == nullptr ? "" : why->report();
  }
  void abandon() override {
    abandoned = true;
    may_write.release();
  }

  std::map<std::string, std::string> files;
  std::map<int64_t, std::string> told;
  std::counting_semaphore<> writing{0}, may_write{0};
  std::atomic<bool> failing = false, abandoned = false;

 private:
  std::string place_ = "memory";
  bool strict_;
};

}  // namespace andiron::train
