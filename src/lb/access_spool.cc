#include "lb/access_spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace brume::lb {
namespace {

constexpr std::size_t kHandOver = 64U << 10;
constexpr env::Duration kDue = std::chrono::seconds(1);

env::MonotonicTime now() {
  return env::MonotonicTime(std::chrono::steady_clock::now().time_since_epoch());
}

std::string file_name(std::uint64_t number, const char* ending) {
  return fmt::format("/{:020}.{}", number, ending);
}

void count_dropped(AccessPlace& place, std::string_view lines) {
  place.dropped.fetch_add(std::ranges::count(lines, '\n'), std::memory_order_relaxed);
}

}  // namespace

AccessSpool::~AccessSpool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void AccessSpool::write(std::shared_ptr<AccessPlace> place, std::string lines) {
  const std::lock_guard lock(mutex_);
  if (waiting_bytes_ + lines.size() > limits_.waiting_bytes) return count_dropped(*place, lines);
  waiting_bytes_ += lines.size();
  chunks_.push_back({std::move(place), std::move(lines)});
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_one();
}

void AccessSpool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto ready = [this] { return stopping_ || !chunks_.empty(); };
    if (std::ranges::any_of(folders_, [](const auto& one) { return bool(one.second.fd); }))
      changed_.wait_for(lock, limits_.file_age, ready);
    else
      changed_.wait(lock, ready);
    const bool last = stopping_;
    const std::vector<Chunk> chunks = std::exchange(chunks_, {});
    lock.unlock();
    std::uint64_t written = 0;
    for (const Chunk& chunk : chunks) {
      put(chunk);
      written += chunk.lines.size();
    }
    look_at_old();
    if (last)
      for (auto& [path, folder] : folders_) seal(path, folder);
    lock.lock();
    waiting_bytes_ -= written;
    if (last && chunks_.empty()) return;
  }
}

void AccessSpool::put(const Chunk& chunk) {
  const std::string& path = chunk.place->folder;
  const auto [found, first] = folders_.try_emplace(path);
  Folder& folder = found->second;
  if (first || !folder.fd) look(path, folder, first);
  if (chunk.lines.empty()) return;
  // What was taken meanwhile makes room.
  if (folder.bytes + chunk.lines.size() > limits_.folder_bytes && now() >= folder.look_at) look(path, folder, false);
  if (folder.bytes + chunk.lines.size() > limits_.folder_bytes || (!folder.fd && !open(path, folder)))
    return count_dropped(*chunk.place, chunk.lines);
  std::string_view rest = chunk.lines;
  while (!rest.empty()) {
    const ssize_t written = ::write(folder.fd.get(), rest.data(), rest.size());
    if (written <= 0) {
      // No half line stays.
      (void)::ftruncate(folder.fd.get(), off_t(folder.size));
      (void)::lseek(folder.fd.get(), off_t(folder.size), SEEK_SET);
      return count_dropped(*chunk.place, chunk.lines);
    }
    rest.remove_prefix(std::size_t(written));
  }
  folder.size += chunk.lines.size();
  folder.bytes += chunk.lines.size();
  if (folder.size >= limits_.file_bytes) seal(path, folder);
}

void AccessSpool::look(const std::string& path, Folder& folder, bool first) {
  folder.bytes = 0;
  folder.waiting = false;
  folder.look_at = now() + limits_.file_age;
  DIR* listing = ::opendir(path.c_str());
  if (listing == nullptr) return;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view name(entry->d_name);
    std::uint64_t number = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), number).ec != std::errc()) continue;
    struct stat info{};
    if (::fstatat(::dirfd(listing), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    folder.bytes += std::uint64_t(info.st_size);
    folder.number = std::max(folder.number, number);
    if (first && name.ends_with(".open"))
      (void)::rename((path + file_name(number, "open")).c_str(), (path + file_name(number, "log")).c_str());
    if (first || name.ends_with(".log")) folder.waiting = true;
  }
  ::closedir(listing);
}

bool AccessSpool::open(const std::string& path, Folder& folder) {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const auto number = std::uint64_t(std::chrono::duration_cast<std::chrono::microseconds>(wall).count());
  folder.number = std::max(folder.number + 1, number);
  std::error_code ignored;  // opening tells
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  ::mkdir(path.c_str(), 0700);
  folder.fd = env::Fd(::open((path + file_name(folder.number, "open")).c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  folder.size = 0;
  folder.look_at = now() + limits_.file_age;
  return bool(folder.fd);
}

void AccessSpool::seal(const std::string& path, Folder& folder) {
  if (!folder.fd) return;
  folder.fd = env::Fd();
  (void)::rename((path + file_name(folder.number, "open")).c_str(), (path + file_name(folder.number, "log")).c_str());
  folder.waiting = true;
}

void AccessSpool::look_at_old() {
  for (auto& [path, folder] : folders_) {
    if (!folder.fd || now() < folder.look_at) continue;
    look(path, folder, false);
    // While files wait, whoever takes them is away: fewer and larger ones are better then.
    if (!folder.waiting) seal(path, folder);
  }
}

void AccessBuffer::add(const std::shared_ptr<AccessPlace>& place, const AccessRecord& record) {
  auto part = std::ranges::find(parts_, place, &Part::place);
  if (part == parts_.end()) {
    parts_.push_back({place, {}});
    part = parts_.end() - 1;
  }
  lines_.append(record, part->lines);
  if (part->lines.size() >= kHandOver) {
    spool_.write(place, std::move(part->lines));
    part->lines = {};
    part->lines.reserve(kHandOver + kHandOver / 4);
  } else if (!armed_) {
    armed_ = true;
    loop_.set_timer(due_, kDue);
  }
}

void AccessBuffer::flush() {
  armed_ = false;
  for (Part& part : parts_)
    if (!part.lines.empty()) spool_.write(std::move(part.place), std::move(part.lines));
  // Those that log go on with a new part; those that are gone are forgotten.
  parts_.clear();
}

}  // namespace brume::lb
