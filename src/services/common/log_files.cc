#include "services/common/log_files.h"

#include <algorithm>

#include "base/log.h"
#include "base/percent.h"

namespace brume::services {
namespace {

constexpr std::size_t kMostInAName = 200;  // file systems allow 255 bytes
constexpr const char* kSuffix = ".log";

std::string encoded(const std::string& name) {
  std::string safe;
  for (const char c : percent_encode(name)) {
    if (c == '.')
      safe += "%2E";
    else
      safe += c;
  }
  std::string out = safe.substr(0, kMostInAName);
  for (std::size_t start = kMostInAName; start < safe.size(); start += kMostInAName)
    out += "/+" + safe.substr(start, kMostInAName);
  return out;
}

struct LogFile {
  std::string path;
  env::FileInfo info;
};

// Folders have no full stop in their names, files have.
Result<void> collect(const env::Files& files, const std::string& folder, std::vector<LogFile>& found) {
  BRUME_TRY(names, files.list(folder));
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    if (name.find('.') == std::string::npos) {
      BRUME_CHECK(collect(files, path, found));
      continue;
    }
    BRUME_TRY(info, files.info(path));
    found.push_back({path, info});
  }
  return {};
}

}  // namespace

std::string LogFiles::path(const std::string& group, const std::string& stream) const {
  return folder_ + "/" + encoded(group) + "/" + encoded(stream) + kSuffix;
}

Result<void> LogFiles::append(const std::string& group, const std::string& stream, const std::vector<LogEvent>& events,
                              bool again) {
  std::string text;
  for (const LogEvent& event : events) {
    std::string line = event.message;
    std::ranges::replace(line, '\n', ' ');
    text += line + "\n";
  }
  if (text.empty()) return {};
  const std::lock_guard lock(mutex_);
  const std::string file = path(group, stream);
  if (again && files_.exists(file)) {
    BRUME_TRY(tail, files_.read_tail(file, text.size() + 1));
    if (tail == text || tail == "\n" + text) return {};
  }
  BRUME_CHECK(files_.make_folders(file.substr(0, file.rfind('/')), 0700));
  BRUME_CHECK(make_room(file, text.size()));
  return files_.append(file, text, 0600);
}

Result<void> LogFiles::make_room(const std::string& path, std::uint64_t size) {
  if (files_.exists(path)) {
    BRUME_TRY(info, files_.info(path));
    if (info.size + size <= limits_.file) return {};
    BRUME_CHECK(files_.rename(path, path + ".1"));
    if (!rotation_told_)
      log_warning("{} is full ({} MiB): older lines are dropped from now on, here and in other log files", path,
                  limits_.file >> 20);
    rotation_told_ = true;
  }
  return trim(path);
}

Result<void> LogFiles::trim(const std::string& kept) {
  std::vector<LogFile> all;
  BRUME_CHECK(collect(files_, folder_, all));
  std::ranges::sort(all, {}, [](const LogFile& file) { return file.info.modified; });
  std::uint64_t total = 0;
  for (const LogFile& file : all) total += file.info.size;
  for (const LogFile& file : all) {
    if (total <= limits_.total) return {};
    if (file.path == kept) continue;
    BRUME_CHECK(files_.remove_all(file.path));
    total -= file.info.size;
    if (!trim_told_)
      log_warning("the logs in {} are over {} MiB: those written longest ago are removed from now on", folder_,
                  limits_.total >> 20);
    trim_told_ = true;
  }
  return {};
}

}  // namespace brume::services
