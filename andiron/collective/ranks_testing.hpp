#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "andiron/collective/communicator.hpp"

namespace andiron::collective {

inline const std::string kTestSecret = "a secret of this job, 32 bytes..";

/// Options for tests: buffers of 4 KiB, deadlines that fail a test soon.
Options test_options();

/// One communicator a rank, over real sockets. Ranks that could not join are empty, with the reason
/// in `failures`.
struct Ranks {
  std::vector<std::unique_ptr<Communicator>> all;
  std::vector<std::string> failures;
  std::vector<std::string> addresses;

  Communicator& operator[](int r) { return *all[static_cast<size_t>(r)]; }
  int size() const { return static_cast<int>(all.size()); }
};
Ranks connect_ranks(int n, const Options& options = test_options());

/// f(rank) on a thread for each rank, at the same time.
void on_ranks(int n, const std::function<void(int)>& f);

}  // namespace andiron::collective
