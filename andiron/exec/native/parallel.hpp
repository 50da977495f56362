#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace andiron::exec {

/// Calls f(part, parts) on each thread of a team, or once on the caller with one thread.
/// f must not throw.
template <class F>
void parallel(int threads, F&& f) {
  if (threads <= 1) {
    f(0, 1);
    return;
  }
#pragma omp parallel num_threads(threads)
  f(omp_get_thread_num(), omp_get_num_threads());
}

/// Calls f(begin, end) for chunks of [0, n), handed out as threads become free.
template <class F>
void parallel_chunks(int threads, int64_t n, int64_t chunk, F&& f) {
  if (threads <= 1 || n <= chunk) {
    f(int64_t{0}, n);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (int64_t begin = 0; begin < n; begin += chunk) f(begin, std::min(n, begin + chunk));
}

/// target = min(target, value)
inline void lower(std::atomic<int64_t>& target, int64_t value) {
  int64_t seen = target.load();
  while (value < seen && !target.compare_exchange_weak(seen, value)) {
  }
}

}  // namespace andiron::exec
