#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace andiron {

/// Calls f(begin, end) for n_threads contiguous parts of [0, n), each on its own thread, the first
/// on the caller's. For work outside of plans, which takes milliseconds: threads are made anew.
/// The first exception (by part) is thrown again here.
template <class F>
void parallel_for(int64_t n, int n_threads, F&& f) {
  const int64_t parts = std::clamp<int64_t>(n_threads, 1, std::max<int64_t>(n, 1));
  std::vector<std::exception_ptr> errors(static_cast<size_t>(parts));
  auto run = [&](int64_t part) noexcept {
    try {
      f(n * part / parts, n * (part + 1) / parts);
    } catch (...) {
      errors[static_cast<size_t>(part)] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int64_t part = 1; part < parts; ++part) threads.emplace_back(run, part);
    run(0);
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

/// The number of CPUs, at least 1.
inline int cpu_count() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace andiron
