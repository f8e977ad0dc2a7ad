// Answers of events as they come: application/vnd.amazon.eventstream, as AWS's SDKs read it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace brume::aws {

// A body that is written as it comes. On the loop.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  // False once the client is gone, or so slow that megabytes wait for it: nothing more will be written.
  virtual bool write(std::string piece) = 0;
  virtual void end() = 0;
};
using BodySource = std::function<void(std::shared_ptr<BodyWriter>)>;

// One message: its length, headers (strings) and payload, each sum of them checked (CRC-32).
std::string event_message(const std::vector<std::pair<std::string_view, std::string_view>>& headers,
                          std::string_view payload);

// What an operation with events writes to.
class EventWriter {
 public:
  explicit EventWriter(std::shared_ptr<BodyWriter> body) : body_(std::move(body)) {}
  // `json` is of the event's shape. False: as BodyWriter::write.
  bool write(std::string_view event_type, std::string_view json);
  // The last thing written: an exception of the model.
  void fail(std::string_view code, std::string_view message);
  void end() { body_->end(); }

 private:
  std::shared_ptr<BodyWriter> body_;
};
using EventSource = std::function<void(EventWriter)>;

}  // namespace brume::aws
