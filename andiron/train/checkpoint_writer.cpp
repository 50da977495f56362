#include "andiron/train/checkpoint_writer.hpp"

#include <chrono>

#include "andiron/base/error.hpp"

namespace andiron::train {

using namespace std::chrono_literals;

void Snapshot::add(const std::string& name, const Tensor& value, io::NamedTensors& memory) {
  Tensor& copy = tensors[name];
  if (const auto node = memory.extract(name)) copy = node.mapped();
  if (copy.defined() && copy.dtype() == value.dtype() && copy.sizes() == value.sizes())
    copy.copy_from(value);
  else
    copy = value.clone();
}

bool CheckpointWriter::busy() const {
  return under_way_.valid() && under_way_.wait_for(0s) != std::future_status::ready;
}

void CheckpointWriter::write(Snapshot snapshot) {
  ANDIRON_ASSERT(!under_way_.valid());
  under_way_ =
      std::async(std::launch::async, [this, s = std::move(snapshot)]() mutable { save(s); });
}

void CheckpointWriter::wait(const std::function<void()>& waiting) {
  if (!under_way_.valid()) return;
  while (under_way_.wait_for(50ms) != std::future_status::ready)
    if (waiting) waiting();
  under_way_.get();
}

void CheckpointWriter::save(Snapshot& snapshot) {
  CheckpointStore& store = files_.store();
  Result<std::string> saved = files_.save(snapshot.tensors, snapshot.document);
  memory_ = std::move(snapshot.tensors);
  store.report(snapshot.step, saved ? nullptr : &saved.failure());
  if (store.strict()) std::move(saved).value_or_throw();
}

}  // namespace andiron::train
