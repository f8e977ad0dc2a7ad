#include "lb/stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace brume::lb {
namespace {
constexpr std::size_t kKeptBuffers = 64;
}

std::unique_ptr<char[]> BufferPool::take(std::uint32_t size) {
  auto& kept = size == kSmallBuffer ? small_ : large_;
  if (kept.empty()) return std::unique_ptr<char[]>(new char[size]);
  auto buffer = std::move(kept.back());
  kept.pop_back();
  return buffer;
}

void BufferPool::give(std::unique_ptr<char[]> buffer, std::uint32_t size) {
  auto& kept = size == kSmallBuffer ? small_ : large_;
  if (kept.size() < kKeptBuffers) kept.push_back(std::move(buffer));
}

void Stream::note(std::uint32_t events) {
  if (events & EPOLLIN) readable_ = true;
  if (events & EPOLLOUT) writable_ = true;
  if (events & EPOLLRDHUP) readable_ = ended_ = true;
  if (events & (EPOLLERR | EPOLLHUP)) readable_ = ended_ = broken_ = true;
}

void Stream::release() {
  if (buffer_) buffers_.give(std::move(buffer_), capacity_);
  capacity_ = begin_ = end_ = 0;
}

void Stream::make_room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_ && filled_up_ && capacity_ == kSmallBuffer) release();
  }
  if (!buffer_) {
    capacity_ = filled_up_ ? kLargeBuffer : kSmallBuffer;
    buffer_ = buffers_.take(capacity_);
  }
  if (end_ < capacity_) return;
  const std::uint32_t size = end_ - begin_;
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, size);
  } else if (capacity_ == kSmallBuffer) {
    auto larger = buffers_.take(kLargeBuffer);
    std::memcpy(larger.get(), buffer_.get(), size);
    buffers_.give(std::move(buffer_), capacity_);
    buffer_ = std::move(larger);
    capacity_ = kLargeBuffer;
  }
  begin_ = 0;
  end_ = size;
}

Stream::Fill Stream::fill() {
  if (!readable_) return Fill::nothing;
  make_room();
  const std::size_t room = capacity_ - end_;
  if (room == 0) return Fill::error;  // a head beyond its limit; the parser has refused it before
  const ssize_t got = ::recv(fd_.get(), buffer_.get() + end_, room, 0);
  if (got > 0) {
    end_ += std::uint32_t(got);
    transferred_ += std::uint64_t(got);
    filled_up_ = std::size_t(got) == room;
    // A short read emptied the socket: the next edge comes by epoll. An end that was announced gives no further edge.
    if (!filled_up_ && !ended_) readable_ = false;
    return Fill::data;
  }
  if (got == 0) return Fill::end;
  if (errno == EAGAIN) {
    readable_ = false;
    release_if_empty();
    return Fill::nothing;
  }
  return Fill::error;
}

void Stream::consume(std::size_t size) {
  begin_ += std::uint32_t(size);
  if (begin_ == end_) begin_ = end_ = 0;
}

void Stream::keep(std::string_view rest) {
  if (unsent_begin_ == unsent_.size()) {
    unsent_.clear();
    unsent_begin_ = 0;
  }
  unsent_ += rest;
}

bool Stream::send(std::string_view first, std::string_view second) {
  if (has_unsent() || !writable_) {
    keep(first);
    keep(second);
    return true;
  }
  ssize_t sent = 0;
  if (second.empty()) {
    sent = ::send(fd_.get(), first.data(), first.size(), MSG_NOSIGNAL);
  } else {
    iovec parts[2] = {{const_cast<char*>(first.data()), first.size()}, {const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  }
  if (sent < 0) {
    if (errno != EAGAIN) return false;
    sent = 0;
  }
  const auto taken = std::size_t(sent);
  transferred_ += taken;
  if (taken == first.size() + second.size()) return true;
  writable_ = false;
  if (taken < first.size()) {
    keep(first.substr(taken));
    keep(second);
  } else {
    keep(second.substr(taken - first.size()));
  }
  return true;
}

bool Stream::flush() {
  if (!has_unsent() || !writable_) return true;
  const ssize_t sent = ::send(fd_.get(), unsent_.data() + unsent_begin_, unsent_.size() - unsent_begin_, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN) return false;
    writable_ = false;
    return true;
  }
  transferred_ += std::uint64_t(sent);
  unsent_begin_ += std::size_t(sent);
  if (has_unsent()) {
    writable_ = false;
  } else {
    unsent_begin_ = 0;
    if (unsent_.capacity() > kSmallBuffer) std::string().swap(unsent_);
    else unsent_.clear();
  }
  return true;
}

void Stream::shut_down_sending() { ::shutdown(fd_.get(), SHUT_WR); }

bool Stream::is_stale() const {
  char byte = 0;
  const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return !(got < 0 && errno == EAGAIN);
}

void Stream::reset_on_close() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void Stream::close() {
  env::Fd gone = std::move(fd_);
  release();
}

}  // namespace brume::lb
