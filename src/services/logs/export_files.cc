#include "services/logs/export_files.h"

#include <algorithm>

#include "aws/gzip.h"
#include "base/time.h"

namespace brume::logs {
namespace {

constexpr std::size_t kPiece = 1 << 20, kHeld = 16 << 20;  // bytes of text: of a stream, of all

class Files {
 public:
  Files(env::Files& files, const std::string& folder) : files_(files), folder_(folder) {}

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
    if (stream.starts_with('.')) stream[0] = '-';
    const std::string path = folder_ + "/" + stream;
    BRUME_CHECK(files_.make_folders(path));
    BRUME_CHECK(files_.append(path + "/000000.gz", aws::gzip(text)));
    held_ -= text.size();
    text.clear();
    return {};
  }

  env::Files& files_;
  const std::string& folder_;
  std::map<std::string, std::string> streams_;  // what is to be written
  std::size_t held_ = 0;
};

}  // namespace

Result<void> export_events(logstore::EventStore& store, logstore::Read read, env::Files& files,
                           const std::string& folder, const std::atomic<bool>& cancelled) {
  Files written(files, folder);
  Result<void> result;
  BRUME_TRY(scanned, store.visit(read, [&](const logstore::Event& event) {
    result = written.add(event);
    return result && !cancelled;
  }));
  (void)scanned;
  BRUME_CHECK(result);
  return written.flush();
}

}  // namespace brume::logs
