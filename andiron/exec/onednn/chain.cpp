#include "andiron/exec/onednn/chain.hpp"

#include <omp.h>

#include <algorithm>

#include "andiron/base/error.hpp"

namespace andiron::exec {

dnnl::engine& onednn_engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::stream& onednn_stream() {
  thread_local dnnl::stream s(onednn_engine());
  return s;
}

dnnl::memory::data_type onednn_type(DType dtype) {
  switch (dtype) {
    case DType::bf16: return dnnl::memory::data_type::bf16;
    case DType::u8: return dnnl::memory::data_type::u8;
    case DType::i8: return dnnl::memory::data_type::s8;
    default: return dnnl::memory::data_type::f32;
  }
}

ThreadLimit::ThreadLimit(int threads) : before_(omp_get_max_threads()), threads_(threads) {
  if (before_ != threads_) omp_set_num_threads(threads_);
}

ThreadLimit::~ThreadLimit() {
  if (before_ != threads_) omp_set_num_threads(before_);
}

int Chain::add(Place place, size_t at, const dnnl::memory::desc& desc) {
  memories_.push_back({place, at, desc});
  return static_cast<int>(memories_.size()) - 1;
}

int Chain::scratch(const dnnl::memory::desc& desc) {
  const size_t at = scratch_bytes_;
  scratch_bytes_ += (desc.get_size() + kAlignment - 1) / kAlignment * kAlignment;
  return add(Place::scratch, at, desc);
}

int Chain::fixed(std::shared_ptr<Buffer> buffer, const dnnl::memory::desc& desc) {
  fixed_.push_back(std::move(buffer));
  return add(Place::fixed, fixed_.size() - 1, desc);
}

int Chain::as(int memory, const dnnl::memory::desc& desc) {
  if (memories_[static_cast<size_t>(memory)].desc == desc) return memory;
  const int copy = scratch(desc);
  reorder(memory, copy);
  return copy;
}

void Chain::reorder(int from, int to) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::reorder::primitive_desc description(
      onednn_engine(), memories_[static_cast<size_t>(from)].desc, onednn_engine(),
      memories_[static_cast<size_t>(to)].desc, attributes);
  run(dnnl::reorder(description), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}},
      description.scratchpad_desc());
}

void Chain::run(dnnl::primitive primitive, std::vector<std::pair<int, int>> arguments,
                const dnnl::memory::desc& scratchpad) {
  if (scratchpad.get_size() > 0) {
    scratchpad_bytes_ = std::max(scratchpad_bytes_, scratchpad.get_size());
    arguments.emplace_back(DNNL_ARG_SCRATCHPAD, add(Place::scratchpad, 0, scratchpad));
  }
  steps_.push_back({std::move(primitive), std::move(arguments)});
}

void Chain::finish(const KernelRequest& request) {
  threads_ = request.threads;
  for (int w = 0; w < request.workers; ++w) {
    Worker worker;
    for (const Memory& m : memories_)
      worker.memories.emplace_back(m.desc, onednn_engine(), nullptr);
    for (const Step& step : steps_) {
      std::vector<dnnl_exec_arg_t> list;
      for (const auto& [name, memory] : step.arguments)
        list.push_back({name, worker.memories[static_cast<size_t>(memory)].get()});
      worker.arguments.push_back(std::move(list));
    }
    workers_.push_back(std::move(worker));
  }
}

void Chain::run(const KernelCall& call) const {
  const Worker& worker = workers_[static_cast<size_t>(call.worker)];
  for (size_t i = 0; i < memories_.size(); ++i) {
    const Memory& m = memories_[i];
    void* data = m.place == Place::src       ? const_cast<void*>(call.src[m.at])
                 : m.place == Place::dst     ? call.dst[m.at]
                 : m.place == Place::fixed   ? static_cast<void*>(fixed_[m.at]->data())
                 : m.place == Place::scratch ? static_cast<void*>(call.scratch + m.at)
                                             : static_cast<void*>(call.scratch + scratch_bytes_);
    dnnl_memory_set_data_handle(worker.memories[i].get(), data);
  }
  const ThreadLimit limit(threads_);
  for (size_t s = 0; s < steps_.size(); ++s) {
    const auto& arguments = worker.arguments[s];
    const dnnl_status_t status =
        dnnl_primitive_execute(steps_[s].primitive.get(), onednn_stream().get(),
                               static_cast<int>(arguments.size()), arguments.data());
    ANDIRON_ASSERT(status == dnnl_success);
  }
}

}  // namespace andiron::exec
