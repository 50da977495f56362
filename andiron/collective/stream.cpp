#include "andiron/collective/stream.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace andiron::collective {

Failure IoStep::why() const {
  if (state == State::closed) return failure("the other side closed the connection");
  if (error == 0) return failure("{}", text);
  errno = error;
  return system_failure("the connection broke");
}

namespace {

class PlainStream : public Stream {
 public:
  explicit PlainStream(int fd) : fd_(fd) {}
  ~PlainStream() override { ::close(fd_); }
  PlainStream(const PlainStream&) = delete;
  PlainStream& operator=(const PlainStream&) = delete;

  int fd() const override { return fd_; }

  IoStep read(std::span<const iovec> parts) override {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    return step(::recvmsg(fd_, &message, MSG_DONTWAIT), POLLIN);
  }

  IoStep write(std::span<const iovec> parts) override {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    // A peer that is gone must be an error, not a signal.
    return step(::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL), POLLOUT);
  }

 private:
  static IoStep step(ssize_t n, short events) {
    if (n > 0) return {.state = IoStep::State::moved, .bytes = static_cast<size_t>(n)};
    if (n == 0) return {.state = IoStep::State::closed};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
      return {.state = IoStep::State::blocked, .events = events};
    return {.state = IoStep::State::failed, .error = errno};
  }

  int fd_;
};

}  // namespace

std::unique_ptr<Stream> plain_stream(int fd) { return std::make_unique<PlainStream>(fd); }

}  // namespace andiron::collective
