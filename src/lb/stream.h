// A non-blocking socket with the input that waits to be read and the output that could not be sent yet.
//
// Edge-triggered bookkeeping: it remembers what the kernel last said, reads once at a time and does not ask again after
// a short read. Output is kept only when the kernel takes no more; the owner then stops reading the other side, so it
// never holds more than one buffer. Buffers come from the thread's pool and go back when empty.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "env/fd.h"

namespace brume::lb {

inline constexpr std::uint32_t kSmallBuffer = 16 * 1024;
// Holds the largest request head with room for body bytes behind it.
inline constexpr std::uint32_t kLargeBuffer = 80 * 1024;

class BufferPool {
 public:
  std::unique_ptr<char[]> take(std::uint32_t size);
  void give(std::unique_ptr<char[]> buffer, std::uint32_t size);

 private:
  std::vector<std::unique_ptr<char[]>> small_, large_;
};

class Stream {
 public:
  enum class Fill : std::uint8_t { data, nothing, end, error };

  Stream(env::Fd fd, BufferPool& buffers) : fd_(std::move(fd)), buffers_(buffers) {}
  ~Stream() { release(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // What epoll said.
  void note(std::uint32_t events);
  // One recv into the buffer, behind what is there.
  Fill fill();
  [[nodiscard]] std::string_view input() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t size);

  // Sends both, keeping what the kernel does not take. False: the connection is broken, and nothing of these went out
  // unless unsent output was there before or a part had been taken.
  bool send(std::string_view first, std::string_view second = {});
  bool flush();
  [[nodiscard]] bool has_unsent() const { return unsent_begin_ < unsent_.size(); }

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool readable() const { return readable_; }
  [[nodiscard]] bool broken() const { return broken_; }  // reset, or closed in both directions
  void shut_down_sending();
  // Is there an end, an error or unasked-for data? Asks the kernel.
  [[nodiscard]] bool is_stale() const;
  // So that the peer sees a reset instead of a proper end: what it got is not all there was.
  void reset_on_close();
  void close();
  // Gives the buffer back if nothing is in it.
  void release_if_empty() {
    if (buffer_ && begin_ == end_) release();
  }
  // Bytes received and sent since the last call.
  std::uint64_t take_transferred() { return std::exchange(transferred_, 0); }

 private:
  void release();
  void make_room();
  void keep(std::string_view rest);

  env::Fd fd_;
  BufferPool& buffers_;
  std::unique_ptr<char[]> buffer_;
  std::uint32_t capacity_ = 0, begin_ = 0, end_ = 0;
  bool filled_up_ = false;  // the last read took all the room there was: more is coming, use a large buffer
  bool readable_ = false, writable_ = false, ended_ = false, broken_ = false;
  std::string unsent_;
  std::size_t unsent_begin_ = 0;
  std::uint64_t transferred_ = 0;
};

}  // namespace brume::lb
