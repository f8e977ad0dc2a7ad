// The samples of a chunk (blocks.h) that wait to be folded, in the order in which they came.
//
// Kept as bytes, for there may be a million of them at a time: eight and what put_aggregate() writes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace brume::cloudwatch {

class PendingSamples {
 public:
  struct Sample {
    std::uint8_t slot = 0, unit = 0;
    bool high_resolution = false;
    std::uint32_t time = 0;    // seconds since the epoch
    std::string_view samples;  // as put_aggregate() writes them
  };

  void add(const Sample& sample) {
    const Head head{.slot = std::uint8_t(sample.slot | (sample.high_resolution ? kHigh : 0)),
                    .unit = sample.unit,
                    .size = std::uint16_t(sample.samples.size()),
                    .time = sample.time};
    bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
    bytes_.append(sample.samples);
    ++size_;
  }
  // Undoes the newest add(); `bytes` is what bytes() was before it.
  void remove_last(std::size_t bytes) {
    bytes_.resize(bytes);
    --size_;
  }
  void clear() {
    std::string().swap(bytes_);
    size_ = 0;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }

  // Calls `each(const Sample&)`.
  template <typename F>
  void each(F&& each) const {
    Head head;
    for (std::size_t at = 0; at < bytes_.size(); at += sizeof head + head.size) {
      std::memcpy(&head, bytes_.data() + at, sizeof head);
      each(Sample{std::uint8_t(head.slot & ~kHigh), head.unit, (head.slot & kHigh) != 0, head.time,
                  std::string_view(bytes_).substr(at + sizeof head, head.size)});
    }
  }

 private:
  static constexpr std::uint8_t kHigh = 0x80;  // beside the slot, which is below 64
  struct Head {
    std::uint8_t slot, unit;
    std::uint16_t size;  // an aggregate has at most 512 values of 18 bytes
    std::uint32_t time;
  };
  static_assert(sizeof(Head) == 8);

  std::string bytes_;
  std::size_t size_ = 0;
};

}  // namespace brume::cloudwatch
