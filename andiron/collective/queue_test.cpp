#include "andiron/collective/queue.hpp"

#include <gtest/gtest.h>

#include "andiron/collective/memory_transport_testing.hpp"

namespace andiron::collective {
namespace {

// Who waited for the last collective may close the communicator at once.
TEST(Queue, nothing_is_pending_once_the_last_request_has_ended) {
  MemoryNetwork network(1);
  const auto transport = network.rank(0);
  const Options options;
  Queue queue(*transport, options, 1, nullptr);
  Task task;
  task.header.kind = Kind::barrier;
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(queue.start(task).wait());
    ASSERT_EQ(queue.pending(), 0U) << "after " << i;
  }
}

}  // namespace
}  // namespace andiron::collective
