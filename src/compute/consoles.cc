#include "compute/consoles.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>

#include "compute/console_log.h"
#include "env/fd.h"
#include "env/posix_error.h"

namespace brume::compute {
namespace {

constexpr std::int64_t kPiece = 256 << 10;
constexpr const char* kNames[] = {"/console.log", "/console.now", "/console.old"};

Result<std::string> read_range(int fd, std::int64_t begin, std::int64_t size) {
  std::string text(std::size_t(std::max<std::int64_t>(size, 0)), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::pread(fd, text.data() + have, text.size() - have, off_t(begin + std::int64_t(have)));
    if (got < 0) return env::posix_error("Cannot read", "a console");
    if (got == 0) break;
    have += std::size_t(got);
  }
  text.resize(have);
  return text;
}

}  // namespace

struct Consoles::Log {
  env::Fd fd;
  struct stat info{};
  std::string name;  // the time of its first line
  Timestamp time;
  bool newest = false;
};

std::string last_words(const std::string& state_dir, const std::string& id) {
  return state_dir + "/consoles/" + id;
}

void keep_last_words(const std::string& folder, const std::string& to) {
  struct stat there{};
  if (::stat(folder.c_str(), &there) != 0) return;
  const std::string parent = to.substr(0, to.rfind('/'));
  ::mkdir(parent.c_str(), 0700);
  ::mkdir(to.c_str(), 0700);
  // Oldest first, as a reader takes them.
  for (const char* name : {kNames[2], kNames[1], kNames[0]})
    (void)::rename((folder + name).c_str(), (to + name).c_str());
}

std::vector<Consoles::Log> Consoles::logs_of(const std::string& id) const {
  std::vector<Log> logs;
  for (const std::string& folder : {state_dir_ + "/instances/" + id, last_words(state_dir_, id)})
    for (const char* name : kNames) {
      Log log{.fd = env::Fd(::open((folder + name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW))};
      if (!log.fd || ::fstat(log.fd.get(), &log.info) != 0) continue;
      const auto same = [&](const Log& other) {
        return other.info.st_ino == log.info.st_ino && other.info.st_dev == log.info.st_dev;
      };
      if (std::ranges::any_of(logs, same)) continue;
      const auto head = read_range(log.fd.get(), 0, 64);
      if (!head) continue;
      log.name = head->substr(0, head->find(' '));
      const auto time = parse_iso8601(log.name);
      if (!time) continue;  // empty yet
      log.time = *time;
      logs.push_back(std::move(log));
    }
  // They were found newest first, so among equals that order is turned.
  std::ranges::reverse(logs);
  std::ranges::stable_sort(logs, {}, &Log::time);
  if (!logs.empty()) logs.back().newest = true;
  return logs;
}

Result<std::optional<ConsolePiece>> Consoles::next(const std::string& id, const ConsoleRange& behind, bool ended) {
  const Timestamp after = parse_iso8601(behind.file).value_or(Timestamp::min());
  for (const Log& log : logs_of(id)) {
    const bool same = log.name == behind.file;
    if (!same && log.time <= after) continue;
    const std::int64_t begin = same ? behind.end : 0;
    BRUME_TRY(text, read_range(log.fd.get(), begin, std::min<std::int64_t>(kPiece, log.info.st_size - begin)));
    const bool all = begin + std::int64_t(text.size()) == log.info.st_size;
    ConsoleLines lines = console_lines(text, all && (ended || !log.newest));
    // Output without a line end that fills a piece is one all the same.
    if (lines.used == 0 && std::int64_t(text.size()) == kPiece) lines = console_lines(text, true);
    if (lines.used > 0)
      return ConsolePiece{{log.name, begin, begin + std::int64_t(lines.used)}, std::move(lines.lines)};
    if (!all) break;
  }
  return std::nullopt;
}

Result<ConsolePiece> Consoles::again(const std::string& id, const ConsoleRange& range) {
  ConsolePiece piece{range, {}};
  for (const Log& log : logs_of(id)) {
    if (log.name != range.file) continue;
    BRUME_TRY(text, read_range(log.fd.get(), range.begin, range.end - range.begin));
    piece.lines = console_lines(text, true).lines;
  }
  return piece;
}

Result<std::vector<std::string>> Consoles::gone() {
  return files_.list(state_dir_ + "/consoles");
}

Result<void> Consoles::forget(const std::string& id) {
  return files_.remove_all(last_words(state_dir_, id));
}

}  // namespace brume::compute
