// A World in memory, for tests: files with inodes, the state on disk, the service; it dies at any step that is wished.
//
// Steps are what others can see: a state that is saved or forgotten, a call. A death is before a step takes effect or
// after, and of the agent alone or of the machine: then states that were not saved durably may be as they were before.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include "compute/agent/world.h"

namespace brume::agent {

struct Death {};

struct ModelEvent {
  std::int64_t time;
  std::string message;
};

class ModelWorld : public World {
 public:
  struct Inode {
    std::uint64_t number;
    std::string bytes;
    Timestamp modified;
  };

  // --- what tests do ---
  void append(const std::string& path, const std::string& bytes) {
    auto& inode = paths_[path];
    if (!inode) inode = make({});
    inode->bytes += bytes;
    inode->modified = clock;
  }
  void rename(const std::string& from, const std::string& to) {
    if (!paths_.contains(from)) return;
    paths_[to] = paths_.at(from);
    paths_.erase(from);
  }
  void copy(const std::string& from, const std::string& to) {
    if (!paths_.contains(from)) return;
    paths_[to] = make(paths_.at(from)->bytes);
  }
  void truncate(const std::string& path) {
    if (!paths_.contains(path)) return;
    paths_.at(path)->bytes.clear();
    paths_.at(path)->modified = clock;
  }
  void unlink(const std::string& path) { paths_.erase(path); }
  void pass(double seconds) {
    monotonic += seconds;
    clock += std::chrono::milliseconds(std::int64_t(seconds * 1000));
  }
  void crash_machine() {
    for (auto& [id, old] : not_durable_) {
      if (old)
        states_[id] = *old;
      else
        states_.erase(id);
    }
    not_durable_.clear();
  }
  [[nodiscard]] std::vector<std::string> messages(const std::string& stream = "g/s") const {
    std::vector<std::string> out;
    if (const auto found = streams.find(stream); found != streams.end())
      for (const ModelEvent& event : found->second) out.push_back(event.message);
    return out;
  }

  Timestamp clock = Timestamp(std::chrono::milliseconds(1'795'000'000'000));
  double monotonic = 1000;
  std::map<std::string, std::vector<ModelEvent>> streams;  // "group/stream"
  std::vector<std::string> said, calls;
  std::map<std::string, std::size_t> state_writes;
  Answer failure;             // what every call gets, if its code is not empty
  bool answers_lost = false;  // calls take effect, and their answers do not arrive
  bool disk_full = false;
  int die_at = -1;  // the step; odd: after its effect
  int steps = 0;

  // --- World ---
  Timestamp now() override { return clock; }
  double seconds() override { return monotonic; }
  std::vector<FoundFile> find(const Glob& glob) override {
    std::vector<FoundFile> out;
    for (const auto& [path, inode] : paths_)
      if (glob.matches(path)) out.push_back({path, stat_of(*inode)});
    return out;
  }
  std::vector<FoundFile> siblings(const std::string& path) override {
    std::vector<FoundFile> out;
    for (const auto& [other, inode] : paths_)
      if (other.size() > path.size() && other.starts_with(path) && other.find('/', path.size()) == std::string::npos)
        out.push_back({other, stat_of(*inode)});
    return out;
  }
  std::optional<FileStat> stat(const std::string& path) override {
    const auto found = paths_.find(path);
    return found == paths_.end() ? std::nullopt : std::optional(stat_of(*found->second));
  }
  std::unique_ptr<OpenFile> open(const std::string& path) override {
    const auto found = paths_.find(path);
    if (found == paths_.end()) return nullptr;
    return std::make_unique<File>(found->second);
  }
  bool remove(const std::string& path) override { return paths_.erase(path) > 0; }
  std::string new_id() override { return fmt::format("id{}", ++ids_); }
  std::vector<std::string> load_states() override {
    std::vector<std::string> out;
    for (const auto& [id, text] : states_) out.push_back(text);
    return out;
  }
  bool save_state(const std::string& id, const std::string& text, bool durable) override {
    if (disk_full) return false;
    step([&] {
      const auto known = states_.find(id);
      if (durable)
        not_durable_.erase(id);
      else if (!not_durable_.contains(id))
        not_durable_[id] = known == states_.end() ? std::nullopt : std::optional(known->second);
      states_[id] = text;
    });
    return true;
  }
  void forget_state(const std::string& id) override {
    step([&] {
      states_.erase(id);
      not_durable_.erase(id);
    });
  }
  Answer call(std::string_view operation, const std::string& body) override {
    calls.emplace_back(operation);
    if (!failure.code.empty()) return failure;
    Answer answer{.status = 200, .code = {}, .message = {}, .body = "{}"};
    step([&] { answer = serve(operation, body); });
    if (answers_lost) return {.status = 0, .code = "Unreachable", .message = "no answer", .body = {}};
    return answer;
  }
  void say(const std::string& line) override { said.push_back(line); }

 private:
  class File : public OpenFile {
   public:
    explicit File(std::shared_ptr<Inode> inode) : inode_(std::move(inode)) {}
    std::optional<FileStat> stat() override { return stat_of(*inode_); }
    std::int64_t read(std::int64_t offset, std::size_t size, std::string& out) override {
      if (offset >= std::int64_t(inode_->bytes.size())) return 0;
      const std::string part = inode_->bytes.substr(std::size_t(offset), size);
      out += part;
      return std::int64_t(part.size());
    }

   private:
    std::shared_ptr<Inode> inode_;
  };

  static FileStat stat_of(const Inode& inode) {
    return {1, inode.number, std::int64_t(inode.bytes.size()), inode.modified};
  }
  // With the lowest number that no file has: numbers are given again, as file systems do, once nobody has the file
  // open.
  std::shared_ptr<Inode> make(const std::string& bytes) {
    std::erase_if(inodes_, [](const auto& inode) { return inode.expired(); });
    std::set<std::uint64_t> used;
    for (const auto& inode : inodes_) used.insert(inode.lock()->number);
    std::uint64_t number = 10;
    while (used.contains(number)) ++number;
    auto made = std::make_shared<Inode>(Inode{number, bytes, clock});
    inodes_.push_back(made);
    return made;
  }
  template <typename Effect>
  void step(const Effect& effect) {
    const int first = 2 * steps++;
    if (die_at == first) throw Death();
    effect();
    if (die_at == first + 1) throw Death();
  }
  Answer serve(std::string_view operation, const std::string& body) {
    const boost::json::object in = boost::json::parse(body).get_object();
    const std::string group(in.at("logGroupName").get_string());
    const auto fault = [](std::string code) {
      return Answer{.status = 400, .code = std::move(code), .message = "", .body = {}};
    };
    if (operation == "CreateLogGroup") {
      if (!groups_.insert(group).second) return fault("ResourceAlreadyExistsException");
      return {.status = 200, .code = {}, .message = {}, .body = ""};
    }
    if (!groups_.contains(group)) return fault("ResourceNotFoundException");
    if (operation == "PutRetentionPolicy") return {.status = 200, .code = {}, .message = {}, .body = ""};
    const std::string stream = group + "/" + std::string(in.at("logStreamName").get_string());
    if (operation == "CreateLogStream") {
      if (!streams.try_emplace(stream).second) return fault("ResourceAlreadyExistsException");
      return {.status = 200, .code = {}, .message = {}, .body = ""};
    }
    if (!streams.contains(stream)) return fault("ResourceNotFoundException");
    std::int64_t last = 0;
    std::size_t bytes = 0;
    EXPECT_LE(in.at("logEvents").get_array().size(), 10'000U);
    const bool is_new = tokens_.insert(stream + " " + std::string(in.at("sequenceToken").get_string())).second;
    for (const auto& value : in.at("logEvents").get_array()) {
      const auto& event = value.get_object();
      const std::int64_t time = event.at("timestamp").to_number<std::int64_t>();
      EXPECT_GE(time, last) << "events are to be in the order of their times";
      last = time;
      const std::string message(event.at("message").get_string());
      bytes += message.size() + 26;
      if (is_new) streams[stream].push_back({time, message});
    }
    EXPECT_LE(bytes, 1'048'576U);
    return {.status = 200, .code = {}, .message = {}, .body = "{}"};
  }

  std::map<std::string, std::shared_ptr<Inode>> paths_;
  std::vector<std::weak_ptr<Inode>> inodes_;
  std::map<std::string, std::string> states_;
  std::map<std::string, std::optional<std::string>> not_durable_;
  std::set<std::string> groups_, tokens_;
  int ids_ = 0;
};

}  // namespace brume::agent
