#include "compute/agent/follower.h"

#include <algorithm>

#include "compute/agent/tail_change.h"

namespace brume::agent {
namespace {

constexpr double kScanSeconds = 1, kDeepScanSeconds = 5, kTidySeconds = 60;
constexpr std::chrono::seconds kCopySeconds{10};  // in which a copy that is being made grows
constexpr double kRotatedQuietSeconds = 30;       // until a writer has surely turned to the new file

std::string folder_of(std::string_view path) {
  return std::string(path.substr(0, path.rfind('/')));
}

std::string name_of(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace

Follower::Follower(FileEntry entry, LineRules rules, const Setting& setting, World& world, LogGroups& groups,
                   Notices& notices)
    : entry_(std::move(entry)),
      rules_(std::move(rules)),
      glob_(entry_.file_path),
      setting_(setting),
      world_(world),
      notices_(notices),
      subject_("logs of " + entry_.key),
      sender_(entry_, rules_, setting.flush_seconds, world, groups, notices) {}

// --- files: which, and what has become of them ---

bool Follower::knows(const FoundFile& file) {
  const auto same = std::ranges::find_if(tails_, [&](const auto& tail) {
    return tail->state.device == file.stat.device && tail->state.inode == file.stat.inode;
  });
  if (same == tails_.end()) return false;
  FileState& state = (*same)->state;
  if (!state.done) return true;
  // Of one that is not open the inode may have been given to another file, or it may have gained lines after all.
  auto opened = world_.open(file.path);
  const auto stat = opened ? opened->stat() : std::nullopt;
  if (!stat || !stat->is_same_file(file.stat)) return true;  // at the next scan
  if (stat->size < state.offset || !is_known_by_bytes(state, *opened)) {
    world_.forget_state(state.id);
    tails_.erase(same);
    return false;
  }
  if (stat->size > state.offset) {
    (*same)->file = std::move(opened);
    (*same)->rotated_at = world_.seconds();
    state.done = false;
    grow(**same, stat->size);
  }
  return true;
}

bool Follower::is_candidate(const FoundFile& file) const {
  return !is_compressed(file.path) && !rules_.is_listed(file.path) && !file.path.starts_with(setting_.state_folder);
}

void Follower::scan() {
  const std::vector<FoundFile> all = world_.find(glob_);
  std::vector<FoundFile> found;
  std::ranges::copy_if(all, std::back_inserter(found), [&](const FoundFile& file) { return is_candidate(file); });
  std::ranges::sort(found, [](const FoundFile& a, const FoundFile& b) {
    return std::tie(a.stat.modified, a.path) < std::tie(b.stat.modified, b.path);
  });
  const std::size_t first = entry_.publish_multi_logs || found.empty() ? 0 : found.size() - 1;
  if (entry_.auto_removal && !entry_.publish_multi_logs && !found.empty())
    // A newer file has come: the others are shipped to their end and removed.
    for (const auto& tail : tails_)
      if (!tail->state.rotated && tail->state.path != found.back().path) rotate(*tail);
  for (std::size_t i = first; i < found.size(); ++i) {
    const FoundFile& file = found[i];
    if (knows(file) || is_copy(file)) continue;
    const auto before = std::ranges::find_if(tails_.rbegin(), tails_.rend(),
                                             [&](const auto& tail) { return tail->state.path == file.path; });
    if (before != tails_.rend() && (*before)->file) start_missed(**before);
    if (tails_.size() >= kMaxFiles) {
      notices_.trouble(subject_, fmt::format("there are more than {} files; {} is not shipped", kMaxFiles, file.path));
      break;
    }
    start(file.path, file.path);
  }
  const double now = world_.seconds();
  if (now >= tidy_at_) {
    tidy_at_ = now + kTidySeconds;
    forget_gone(all);
  }
}

Tail* Follower::start(const std::string& path, const std::string& log) {
  const bool rotated = path != log;
  auto tail = std::make_unique<Tail>();
  tail->file = world_.open(path);
  const auto stat = tail->file ? tail->file->stat() : std::nullopt;
  if (!stat || knows({path, *stat})) return nullptr;
  FileState& state = tail->state;
  state = {.id = world_.new_id(), .entry = entry_.key, .path = log, .device = stat->device, .inode = stat->inode};
  state.rotated = rotated;
  if (!entry_.from_beginning && !rotated) {
    state.offset = stat->size - stat->size % std::int64_t(rules_.encoding().unit());
    state.before = fingerprint_before(*tail->file, state.offset).value_or(0);
  }
  tail->to = destination(entry_, log, setting_.identity, setting_.started);
  tail->size = state.offset;
  tail->rotated_at = world_.seconds();
  grow(*tail, stat->size);
  // From here on the file is known, and found wherever it is moved to.
  sender_.save(*tail, true);
  tails_.push_back(std::move(tail));
  return tails_.back().get();
}

void Follower::grow(Tail& tail, std::int64_t size) {
  FileState& state = tail.state;
  if (state.head_size < kFingerprint && size > state.head_size) {
    const bool first = state.head_size == 0;
    const std::string head = read_some(*tail.file, 0, std::min(size, kFingerprint));
    state.head_size = std::int64_t(head.size());
    state.head = fingerprint(head);
    if (first) sender_.save(tail, false);
  }
  if (size <= tail.size) return;
  const double now = world_.seconds();
  if (tail.size <= tail.state.offset) tail.unsent_since = now;
  tail.size = size;
  tail.grown_at = now;
  add_mark(tail.state.marks, size, world_.now());
}

void Follower::look(Tail& tail) {
  if (!tail.file) return;
  if (tail.overwritten) return truncated(tail);
  const FileStat known{tail.state.device, tail.state.inode, tail.size, {}};
  if (tail.state.rotated) {
    const auto stat = tail.file->stat();
    if (stat && stat->size > tail.size) grow(tail, stat->size);
    return;
  }
  const auto at_path = world_.stat(tail.state.path);
  switch (tail_change(known, at_path)) {
    case TailChange::none:
      return;
    case TailChange::grown: {
      // What an image brought is copied when it is first written to; the file opened before stays as it was.
      const auto stat = tail.file->stat();
      if (!stat || stat->size < at_path->size) {
        auto file = world_.open(tail.state.path);
        const auto opened = file ? file->stat() : std::nullopt;
        if (!opened || !opened->is_same_file(known)) return;  // it was replaced just now
        tail.file = std::move(file);
      }
      return grow(tail, at_path->size);
    }
    case TailChange::truncated:
      return truncated(tail);
    case TailChange::replaced:
      if (!is_beside(known, tail.state.path) && continues(tail, {tail.state.path, *at_path}) &&
          adopt(tail, {tail.state.path, *at_path}))
        return;
      rotate(tail);
      return start_missed(tail);
    case TailChange::missing:
      rotate(tail);
      return start_missed(tail);
  }
}

// Is the file in its folder still, under another name?
bool Follower::is_beside(const FileStat& known, const std::string& path) {
  const auto siblings = world_.siblings(path);
  return std::ranges::any_of(siblings, [&](const FoundFile& file) { return file.stat.is_same_file(known); });
}

void Follower::rotate(Tail& tail) {
  tail.state.rotated = true;
  tail.rotated_at = world_.seconds();
  scan_at_ = 0;
  if (const auto stat = tail.file->stat(); stat && stat->size > tail.size) grow(tail, stat->size);
  sender_.save(tail, false);
}

// Files that came and were rotated away between two looks.
void Follower::start_missed(const Tail& after) {
  const auto known = after.file->stat();
  if (!known) return;
  std::vector<FoundFile> missed;
  for (const FoundFile& file : world_.siblings(after.state.path))
    if (is_rotated_name(name_of(after.state.path), name_of(file.path)) && file.stat.modified >= known->modified &&
        is_candidate(file) && !knows(file) && !is_copy(file))
      missed.push_back(file);
  std::ranges::sort(missed, {}, [](const FoundFile& file) { return file.stat.modified; });
  for (const FoundFile& file : missed) start(file.path, after.state.path);
}

// A log is copied, then truncated. The copy is where it goes on, and its path is a new file.
void Follower::truncated(Tail& tail) {
  const std::string path = tail.state.path;
  for (const FoundFile& file : world_.siblings(path))
    if (!is_compressed(file.path) && !knows(file) && continues(tail, file) && adopt(tail, file)) {
      rotate(tail);
      start(path, path);
      return;
    }
  if (tail.size > tail.state.offset) lose(tail, "it was truncated");
  world_.forget_state(tail.state.id);
  std::erase_if(tails_, [&](const auto& one) { return one.get() == &tail; });
  start(path, path);
}

// May `file` be what the tail's file has become, by its bytes?
bool Follower::continues(const Tail& tail, const FoundFile& file) {
  if (file.stat.size < tail.size || file.stat.size < tail.state.offset || tail.state.head_size == 0) return false;
  const auto opened = world_.open(file.path);
  return opened && is_known_by_bytes(tail.state, *opened);
}

bool Follower::adopt(Tail& tail, const FoundFile& file) {
  auto opened = world_.open(file.path);
  const auto stat = opened ? opened->stat() : std::nullopt;
  if (!stat || !stat->is_same_file(file.stat)) return false;
  tail.file = std::move(opened);
  tail.state.device = stat->device;
  tail.state.inode = stat->inode;
  grow(tail, stat->size);
  sender_.save(tail, false);
  return true;
}

// Is it a copy, being made perhaps, of a file that is followed?
bool Follower::is_copy(const FoundFile& file) {
  for (const auto& tail : tails_) {
    const FileState& state = tail->state;
    if (!tail->file || state.head_size == 0 || folder_of(state.path) != folder_of(file.path) ||
        !is_rotated_name(name_of(state.path), name_of(file.path)))
      continue;
    const auto opened = world_.open(file.path);
    if (!opened) return true;
    if (file.stat.size >= std::max(state.offset, state.head_size)) {
      if (is_known_by_bytes(state, *opened)) return true;
      continue;
    }
    // Less than what was shipped: a copy that is being made, or a shorter log with the same beginning.
    const std::int64_t size = std::min(file.stat.size, state.head_size);
    if (world_.now() - file.stat.modified < kCopySeconds &&
        read_some(*opened, 0, size) == read_some(*tail->file, 0, size))
      return true;
  }
  return false;
}

// --- restarts ---

void Follower::restore(std::vector<FileState> states) {
  const std::vector<FoundFile> found = world_.find(glob_);
  std::vector<Tail*> moved;
  for (FileState& state : states) {
    auto tail = std::make_unique<Tail>();
    tail->state = std::move(state);
    tail->to = destination(entry_, tail->state.path, setting_.identity, setting_.started);
    tail->size = tail->state.offset;
    tail->rotated_at = world_.seconds();
    tail->pending_saved = tail->state.is_pending();
    if (place(*tail, found)) {
      if (tail->state.rotated && !tail->state.done) moved.push_back(tail.get());
      tails_.push_back(std::move(tail));
      continue;
    }
    if (!tail->state.done) lose(*tail, "it is gone");
    world_.forget_state(tail->state.id);
  }
  for (Tail* tail : moved) start_missed(*tail);
}

// Finds the file of a state that was read.
bool Follower::place(Tail& tail, const std::vector<FoundFile>& found) {
  FileState& state = tail.state;
  std::vector<FoundFile> candidates;
  if (const auto stat = world_.stat(state.path)) candidates.push_back({state.path, *stat});
  candidates.insert(candidates.end(), found.begin(), found.end());
  for (FoundFile& file : world_.siblings(state.path)) candidates.push_back(std::move(file));
  const auto take = [&](const FoundFile& file) {
    state.rotated = state.rotated || file.path != state.path;
    if (state.done) return true;
    tail.size = state.offset;
    return adopt(tail, file);
  };
  const FileStat known{state.device, state.inode, 0, {}};
  for (const FoundFile& file : candidates)
    if (file.stat.is_same_file(known) && (state.done || continues(tail, file) || state.head_size == 0))
      return take(file);
  if (state.done) return false;
  for (const FoundFile& file : candidates)
    if (!is_compressed(file.path) && !knows(file) && continues(tail, file)) return take(file);
  return false;
}

// --- sending ---

void Follower::step() {
  const double now = world_.seconds();
  // By index: a look may begin further tails.
  for (std::size_t i = 0; i < tails_.size(); ++i) look(*tails_[i]);
  if (now >= scan_at_) {
    scan_at_ = now + (glob_.is_path() ? 0 : glob_.depth() < 0 ? kDeepScanSeconds : kScanSeconds);
    scan();
  }
  keep_bounds();
  if (sender_.is_waiting()) return;
  for (std::size_t i = 0; i < tails_.size(); ++i) {
    Tail& tail = *tails_[i];
    while (sender_.is_due(tail)) {
      const Sender::Sent sent = ship(tail, false);
      if (sent == Sender::Sent::failed) return;
      if (sent == Sender::Sent::nothing) break;
    }
    if (tail.file && tail.state.rotated &&
        world_.seconds() - std::max(tail.rotated_at, tail.grown_at) >= kRotatedQuietSeconds) {
      while (tail.state.offset < tail.size) {
        const Sender::Sent sent = ship(tail, true);
        if (sent == Sender::Sent::failed) return;
        if (sent == Sender::Sent::nothing) break;
      }
      if (tail.state.offset >= tail.size) complete(tail);
    }
  }
}

bool Follower::finish() {
  for (std::size_t i = 0; i < tails_.size(); ++i) look(*tails_[i]);
  scan();
  for (std::size_t i = 0; i < tails_.size(); ++i) {
    Tail& tail = *tails_[i];
    while (tail.file && tail.state.offset < tail.size) {
      const Sender::Sent sent = ship(tail, true);
      if (sent == Sender::Sent::failed) return !sender_.may_be_mended();
      if (sent == Sender::Sent::nothing) break;
    }
  }
  return true;
}

Sender::Sent Follower::ship(Tail& tail, bool everything) {
  const Sender::Sent sent = sender_.ship(tail, everything);
  if (sent != Sender::Sent::changed) return sent;
  tail.overwritten = !tail.state.rotated;
  if (tail.state.rotated) {
    lose(tail, "it was changed");
    complete(tail);
  }
  return Sender::Sent::nothing;
}

void Follower::complete(Tail& tail) {
  tail.file.reset();
  tail.state.done = true;
  tail.state.marks.clear();
  sender_.save(tail, false);
  if (!entry_.auto_removal) return;
  const FileStat known{tail.state.device, tail.state.inode, 0, {}};
  if (const auto stat = world_.stat(tail.state.path); stat && stat->is_same_file(known)) world_.remove(tail.state.path);
}

// --- bounds ---

// States of files that are shipped are kept while the file is there, or it would be shipped again.
void Follower::forget_gone(const std::vector<FoundFile>& found) {
  std::erase_if(tails_, [&](const auto& tail) {
    if (!tail->state.done) return false;
    const FileStat known{tail->state.device, tail->state.inode, 0, {}};
    const auto is_it = [&](const FoundFile& file) { return file.stat.is_same_file(known); };
    if (std::ranges::any_of(found, is_it) || std::ranges::any_of(world_.siblings(tail->state.path), is_it))
      return false;
    world_.forget_state(tail->state.id);
    return true;
  });
}

void Follower::keep_bounds() {
  std::vector<Tail*> waiting;
  for (const auto& tail : tails_)
    if (tail->file && tail->state.rotated) waiting.push_back(tail.get());
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (waiting.size() - i <= kMaxRotated && world_.seconds() - waiting[i]->rotated_at < kMaxRotatedAge) continue;
    lose(*waiting[i], "too many rotated files wait, or for too long");
    complete(*waiting[i]);
  }
}

void Follower::lose(Tail& tail, const std::string& why) {
  const std::int64_t known = tail.size - tail.state.offset;
  notices_.say(known > 0 ? fmt::format("{}: {}; {} bytes of {} are lost", subject_, why, known, tail.state.path)
                         : fmt::format("{}: {}; what {} had behind byte {} is lost", subject_, why, tail.state.path,
                                       tail.state.offset));
}

}  // namespace brume::agent
