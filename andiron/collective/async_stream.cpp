#include "andiron/collective/async_stream.hpp"

#include <sys/socket.h>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

namespace andiron::collective {

AsyncStream::AsyncStream(asio::io_context& io, std::unique_ptr<Stream> stream)
    : stream_(std::move(stream)), waiter_(io, stream_->fd()) {}

AsyncStream::~AsyncStream() {
  if (stream_ != nullptr) waiter_.release();  // the stream closes the socket
}

template <class Step>
asio::awaitable<Result<>> AsyncStream::move_all(size_t size, Step step) {
  size_t done = 0;
  while (done < size) {
    const IoStep moved = step(done);
    if (moved.state == IoStep::State::moved) {
      done += moved.bytes;
      continue;
    }
    if (moved.state != IoStep::State::blocked) co_return moved.why();
    asio::error_code error;
    const auto what = (moved.events & POLLIN) != 0 ? asio::posix::descriptor_base::wait_read
                                                   : asio::posix::descriptor_base::wait_write;
    co_await waiter_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return failure("the wait for the connection ended: {}", error.message());
  }
  co_return success();
}

asio::awaitable<Result<>> AsyncStream::read(std::span<std::byte> bytes) {
  return move_all(bytes.size(), [this, bytes](size_t done) {
    const iovec part{bytes.data() + done, bytes.size() - done};
    return stream_->read(std::span(&part, 1));
  });
}

asio::awaitable<Result<>> AsyncStream::write(std::span<const std::byte> bytes) {
  return move_all(bytes.size(), [this, bytes](size_t done) {
    const iovec part{const_cast<std::byte*>(bytes.data()) + done, bytes.size() - done};
    return stream_->write(std::span(&part, 1));
  });
}

void AsyncStream::cancel() {
  if (stream_ == nullptr) return;
  asio::error_code ignored;
  waiter_.cancel(ignored);
  ::shutdown(stream_->fd(), SHUT_RDWR);
}

std::unique_ptr<Stream> AsyncStream::detach() {
  waiter_.release();
  return std::move(stream_);
}

}  // namespace andiron::collective
