// What subscribers are sent: log events of one stream as compressed JSON, in AWS's form (user guide, "Log group-level
// subscription filters"). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "logstore/event.h"
#include "services/logs/delivery/target.h"

namespace brume::logs {

struct Payload {
  std::string key;    // of the partition that it goes to, at most 256 characters
  std::string bytes;  // gzip
  std::uint64_t events = 0;
};

// What tests a destination.
Payload control_message(const DeliveryTarget& destination, std::int64_t now);

// Puts events into payloads that the destination takes.
class Packer {
 public:
  // `by_stream`: the events of a stream go to one partition; else each payload to any. References outlive it.
  Packer(const TargetTraits& traits, bool by_stream, const std::string& group, const std::string& filter)
      : traits_(traits), by_stream_(by_stream), group_(group), filter_(filter) {}
  void add(const logstore::Event& event);
  // JSON text so far.
  [[nodiscard]] std::size_t size() const { return size_; }
  // All that was added. Nothing can be added after it.
  std::vector<Payload> finish();
  // Events that are larger than what the destination takes, known after finish().
  [[nodiscard]] std::uint64_t too_large() const { return too_large_; }

 private:
  struct Open {
    std::string text, first_id;
    std::uint64_t events = 0;
  };
  void close(const std::string& stream, Open& open);

  const TargetTraits& traits_;
  bool by_stream_;
  const std::string &group_, &filter_;
  std::map<std::string, Open, std::less<>> open_;  // by stream
  std::vector<Payload> closed_;
  std::size_t size_ = 0;
  std::uint64_t too_large_ = 0;
};

}  // namespace brume::logs
