#include "env/sim.h"

namespace brume::env {

void SimRandom::fill(std::span<std::byte> out) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < out.size(); ++i, bits >>= 8) {
    if (i % 8 == 0) {
      // SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
      bits = (state_ += 0x9e3779b97f4a7c15U);
      bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9U;
      bits = (bits ^ bits >> 27) * 0x94d049bb133111ebU;
      bits ^= bits >> 31;
    }
    out[i] = std::byte(bits & 255);
  }
}

Loop::TimerId SimLoop::after(Duration delay, std::function<void()> task) {
  const TimerId id = ++last_;
  const MonotonicTime due = clock_.now() + std::max(delay, Duration::zero());
  queue_.emplace(std::pair(due, id), std::move(task));
  due_.emplace(id, due);
  return id;
}

void SimLoop::cancel(TimerId timer) {
  const auto found = due_.find(timer);
  if (found == due_.end()) return;
  queue_.erase({found->second, timer});
  due_.erase(found);
}

void SimLoop::run_blocking(std::function<void()> work, std::function<void()> done) {
  after(blocking_latency, [work = std::move(work), done = std::move(done)] {
    work();
    done();
  });
}

void SimLoop::run_for(Duration duration) {
  const MonotonicTime end = clock_.now() + duration;
  while (!queue_.empty() && queue_.begin()->first.first <= end) {
    auto node = queue_.extract(queue_.begin());
    due_.erase(node.key().second);
    clock_.advance_to(node.key().first);
    ++executed_;
    node.mapped()();
  }
  clock_.advance_to(end);
}

void SimLoop::clear() {
  queue_.clear();
  due_.clear();
}

bool SimFiles::exists(const std::string& path) const {
  return content_.contains(path) || folders_.contains(path);
}

Result<std::string> SimFiles::read(const std::string& path) const {
  const auto found = content_.find(path);
  if (found == content_.end()) return fail_internal("Cannot open {}: No such file or directory", path);
  return found->second;
}

Result<std::string> SimFiles::read_tail(const std::string& path, std::size_t limit) const {
  BRUME_TRY(all, read(path));
  return all.size() > limit ? all.substr(all.size() - limit) : all;
}

Result<void> SimFiles::write(const std::string& path, std::string_view content, unsigned) {
  if (full)
    return std::unexpected(
        Error{"InsufficientStorage", fmt::format("Cannot write {}: No space left on device", path), 507});
  content_[path] = content;
  modified_[path] = clock_.wall();
  return {};
}

Result<void> SimFiles::append(const std::string& path, std::string_view content, unsigned mode) {
  const auto found = content_.find(path);
  return write(path, (found == content_.end() ? "" : found->second) + std::string(content), mode);
}

Result<void> SimFiles::rename(const std::string& from, const std::string& to) {
  const auto found = content_.find(from);
  if (found == content_.end()) return fail_internal("Cannot rename {}: No such file or directory", from);
  content_[to] = std::move(found->second);
  modified_[to] = modified_[from];
  content_.erase(from);
  return {};
}

Result<FileInfo> SimFiles::info(const std::string& path) const {
  const auto found = content_.find(path);
  if (found == content_.end()) return fail_internal("Cannot look at {}: No such file or directory", path);
  return FileInfo{found->second.size(), modified_.at(path)};
}

Result<void> SimFiles::make_folders(const std::string& path, unsigned) {
  folders_.insert(path);
  return {};
}

Result<void> SimFiles::remove_all(const std::string& path) {
  const auto below = [&](const std::string& entry) { return entry == path || entry.starts_with(path + "/"); };
  std::erase_if(content_, [&](const auto& entry) { return below(entry.first); });
  std::erase_if(folders_, below);
  return {};
}

Result<std::vector<std::string>> SimFiles::list(const std::string& path) const {
  std::set<std::string> names;
  const auto add = [&](const std::string& entry) {
    if (entry.starts_with(path + "/"))
      names.insert(entry.substr(path.size() + 1, entry.find('/', path.size() + 1) - path.size() - 1));
  };
  for (const auto& [entry, content] : content_) add(entry);
  for (const auto& entry : folders_) add(entry);
  return std::vector(names.begin(), names.end());
}

Result<Finished> SimProcesses::run(const Command& command) {
  return fail_internal("Cannot start {}: there are no processes in a simulation", command.argv[0]);
}

Result<pid_t> SimProcesses::start(const Command& command, const std::string&) {
  return fail_internal("Cannot start {}: there are no processes in a simulation", command.argv[0]);
}
Result<pid_t> SimProcesses::start_with(const Command& command, int, int, int) {
  return start(command, "");
}

}  // namespace brume::env
