#include "compute/agent/file_state.h"

#include <algorithm>

#include <boost/json.hpp>

namespace brume::agent {

namespace json = boost::json;

std::string FileState::token() const {
  return fmt::format("brume:{}-{}-{}", id, offset, pending_to);
}

std::uint64_t fingerprint(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

void add_mark(std::vector<Mark>& marks, std::int64_t size, Timestamp time) {
  if (!marks.empty() && marks.back().offset >= size) return;
  if (marks.size() >= kMaxMarks) {
    // A mark speaks for all between it and the one before, so what goes is told by the next.
    std::vector<Mark> kept;
    for (std::size_t i = 1; i < marks.size(); i += 2) kept.push_back(marks[i]);
    marks = std::move(kept);
  }
  marks.push_back({size, time});
}

void drop_marks(std::vector<Mark>& marks, std::int64_t offset) {
  std::erase_if(marks, [&](const Mark& mark) { return mark.offset <= offset; });
}

std::string to_text(const FileState& state) {
  json::array marks;
  for (const Mark& mark : state.marks) marks.push_back({mark.offset, mark.time.time_since_epoch().count()});
  return json::serialize(json::object{{"version", 1},
                                      {"id", state.id},
                                      {"entry", state.entry},
                                      {"path", state.path},
                                      {"device", state.device},
                                      {"inode", state.inode},
                                      {"offset", state.offset},
                                      {"pending_to", state.pending_to},
                                      {"head_size", state.head_size},
                                      {"head", state.head},
                                      {"before", state.before},
                                      {"pending_before", state.pending_before},
                                      {"last_time", state.last_time.time_since_epoch().count()},
                                      {"marks", std::move(marks)},
                                      {"rotated", state.rotated},
                                      {"done", state.done}}) +
         "\n";
}

std::optional<FileState> state_from_text(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  const json::object* object = error ? nullptr : value.if_object();
  if (!object) return std::nullopt;
  bool well = true;
  const auto member = [&](const char* name) -> const json::value* {
    const json::value* found = object->if_contains(name);
    well = well && found;
    return found;
  };
  const auto read_text = [&](const char* name, std::string& out) {
    const json::value* found = member(name);
    if (found && found->is_string())
      out = std::string(found->get_string());
    else
      well = false;
  };
  const auto read_number = [&](const char* name, auto& out) {
    const json::value* found = member(name);
    boost::system::error_code wrong;
    if (found) out = found->to_number<std::remove_reference_t<decltype(out)>>(wrong);
    well = well && !wrong;
  };
  const auto read_bool = [&](const char* name, bool& out) {
    const json::value* found = member(name);
    well = well && found && found->is_bool();
    if (well) out = found->get_bool();
  };
  FileState state;
  int version = 0;
  std::int64_t last_time = 0;
  read_number("version", version);
  read_text("id", state.id);
  read_text("entry", state.entry);
  read_text("path", state.path);
  read_number("device", state.device);
  read_number("inode", state.inode);
  read_number("offset", state.offset);
  read_number("pending_to", state.pending_to);
  read_number("head_size", state.head_size);
  read_number("head", state.head);
  read_number("before", state.before);
  read_number("pending_before", state.pending_before);
  read_number("last_time", last_time);
  read_bool("rotated", state.rotated);
  read_bool("done", state.done);
  state.last_time = Timestamp(std::chrono::milliseconds(last_time));
  const json::value* marks = member("marks");
  if (!well || version != 1 || state.id.empty() || state.offset < 0 || !marks->is_array() ||
      marks->get_array().size() > kMaxMarks)
    return std::nullopt;
  for (const json::value& mark : marks->get_array()) {
    const json::array* pair = mark.if_array();
    if (!pair || pair->size() != 2 || !(*pair)[0].is_int64() || !(*pair)[1].is_int64()) return std::nullopt;
    state.marks.push_back({(*pair)[0].get_int64(), Timestamp(std::chrono::milliseconds((*pair)[1].get_int64()))});
  }
  return state;
}

}  // namespace brume::agent
