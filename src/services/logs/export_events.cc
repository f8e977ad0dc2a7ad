#include "services/logs/export_events.h"

#include <algorithm>
#include <map>

#include "aws/gzip.h"
#include "base/time.h"

namespace brume::logs {
namespace {

constexpr std::size_t kPiece = 1 << 20, kHeld = 16 << 20;  // bytes of text: of a stream, of all

class Pieces {
 public:
  explicit Pieces(ExportSink& sink) : sink_(sink) {}

  Result<void> add(const logstore::Event& event) {
    auto& text = streams_.try_emplace(std::string(event.stream)).first->second;
    const std::size_t before = text.size();
    text += fmt::format("{} {}\n", to_iso8601(Timestamp(std::chrono::milliseconds(event.timestamp))), event.message);
    held_ += text.size() - before;
    if (text.size() >= kPiece) return write(std::string(event.stream), text);
    return held_ < kHeld ? Result<void>() : flush();
  }
  Result<void> flush() {
    for (auto& [stream, text] : streams_) BRUME_CHECK(write(stream, text));
    streams_.clear();
    return {};
  }

 private:
  Result<void> write(std::string stream, std::string& text) {
    if (text.empty()) return {};
    std::ranges::replace(stream, '/', '-');
    BRUME_CHECK(sink_.add(stream, aws::gzip(text)));
    held_ -= text.size();
    text.clear();
    return {};
  }

  ExportSink& sink_;
  std::map<std::string, std::string> streams_;  // what is to be written
  std::size_t held_ = 0;
};

}  // namespace

Result<void> export_events(logstore::EventStore& store, const logstore::Read& read, ExportSink& sink,
                           const std::atomic<bool>& cancelled) {
  Pieces pieces(sink);
  Result<void> result;
  BRUME_CHECK(store.visit(read, [&](const logstore::Event& event) {
    result = pieces.add(event);
    return result && !cancelled;
  }));
  BRUME_CHECK(result);
  if (cancelled) return {};
  BRUME_CHECK(pieces.flush());
  return sink.finish();
}

}  // namespace brume::logs
