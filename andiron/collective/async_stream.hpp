#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <memory>
#include <span>

#include "andiron/collective/stream.hpp"

namespace andiron::collective {

/// A stream that coroutines of an io_context wait for. Used on the context's thread only, and kept
/// alive by its coroutines.
class AsyncStream {
 public:
  AsyncStream(asio::io_context& io, std::unique_ptr<Stream> stream);
  ~AsyncStream();
  AsyncStream(const AsyncStream&) = delete;
  AsyncStream& operator=(const AsyncStream&) = delete;

  /// All of the bytes, or a failure.
  asio::awaitable<Result<>> read(std::span<std::byte> bytes);
  asio::awaitable<Result<>> write(std::span<const std::byte> bytes);
  /// Ends what waits, with a failure, and the connection.
  void cancel();
  /// For use on another thread. REQUIRES that no coroutine reads or writes.
  std::unique_ptr<Stream> detach();

 private:
  template <class Step>
  asio::awaitable<Result<>> move_all(size_t size, Step step);
  std::unique_ptr<Stream> stream_;
  asio::posix::stream_descriptor waiter_;
};

}  // namespace andiron::collective
