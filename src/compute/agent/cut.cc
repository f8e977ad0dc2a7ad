#include "compute/agent/cut.h"

#include <algorithm>

namespace brume::agent {
namespace {

constexpr std::size_t kChunk = 256 << 10;
// Pieces of a line that as a whole would be too large: three times as much when nothing of it is UTF-8, six times when
// all of it are control characters.
constexpr std::size_t kSafePiece = 256 << 10;

// The window of a file that is looked at, line by line.
class Window {
 public:
  Window(const TextEncoding& encoding, std::int64_t from, std::int64_t end, const ReadAt& read)
      : encoding_(encoding), offset_(from), end_(end), read_(read) {}

  struct Line {
    std::string_view bytes;  // without the line feed
    std::int64_t end = 0;    // of the file, behind the line feed
    bool is_whole = false;   // ends with a line feed
    bool is_piece = false;   // more of the line follows
  };

  // Nothing at the end.
  Result<std::optional<Line>> next() {
    std::size_t looked = 0;
    for (;;) {
      const std::string_view rest = std::string_view(bytes_).substr(at_);
      const std::size_t feed = encoding_.find_line_feed(rest, looked);
      if (feed != std::string_view::npos && fits(rest.substr(0, feed)))
        return take(rest.substr(0, feed), feed + encoding_.unit());
      if (feed != std::string_view::npos || rest.size() > kMaxEvent) return take_piece(rest.substr(0, feed));
      looked = rest.size() & ~(encoding_.unit() - 1);
      BRUME_TRY(more, fill());
      if (more) continue;
      const std::string_view last = std::string_view(bytes_).substr(at_);
      if (last.empty()) return std::optional<Line>();
      Line line{last, offset_ + std::int64_t(last.size()), false, false};
      return std::optional(line);
    }
  }
  // The line that next() gave last was one and is done with.
  void done(const Line& line) {
    at_ += std::size_t(line.end - offset_);
    offset_ = line.end;
  }

 private:
  Result<bool> fill() {
    bytes_.erase(0, at_);
    at_ = 0;
    const std::int64_t have = offset_ + std::int64_t(bytes_.size());
    if (have >= end_) return false;
    const std::int64_t n = read_(have, std::size_t(std::min<std::int64_t>(std::int64_t(kChunk), end_ - have)), bytes_);
    if (n < 0) return fail_internal("the file cannot be read");
    return n > 0;
  }
  std::optional<Line> take(std::string_view bytes, std::size_t size) {
    return Line{bytes, offset_ + std::int64_t(size), true, false};
  }
  // May it be an event? Most text grows little, as UTF-8 and as JSON.
  [[nodiscard]] bool fits(std::string_view bytes) const {
    if (bytes.size() <= kSafePiece) return true;
    if (bytes.size() > kMaxEvent || !encoding_.is_utf8()) return false;
    std::string json;
    return append_json(bytes, json) <= kMaxEvent && json.size() <= kMaxBatchJson - 4096;
  }
  std::optional<Line> take_piece(std::string_view bytes) {
    std::size_t size = encoding_.cut(bytes, encoding_.is_utf8() ? kMaxEvent : kSafePiece);
    if (size == bytes.size() || !fits(bytes.substr(0, size))) size = encoding_.cut(bytes, kSafePiece);
    return Line{bytes.substr(0, size), offset_ + std::int64_t(size), false, true};
  }

  const TextEncoding& encoding_;
  std::int64_t offset_;  // of bytes_[at_]
  std::int64_t end_;
  const ReadAt& read_;
  std::string bytes_;
  std::size_t at_ = 0;
};

class Cutter {
 public:
  Cutter(const LineRules& rules, const CutRequest& request) : rules_(rules), request_(request) {
    out_.to = request.from;
    out_.last_time = request.last_time;
    if (request.marks) mark_ = request.marks->begin();
  }

  // False: there is no room for an event.
  bool line(std::string_view text, std::int64_t begin, std::int64_t end, bool is_piece) {
    const bool begins = is_piece || after_piece_ || !open_ || event_.empty() || rules_.begins(text, request_.now);
    after_piece_ = is_piece;
    if (begins) {
      if (!close()) return false;
      open_ = true;
      cut_ = false;
      begin_ = begin;
      event_.assign(text);
    } else if (!cut_) {
      event_ += '\n';
      event_ += text;
      if (event_.size() > kMaxEvent) truncate();
    }
    end_ = end;
    return true;
  }
  bool close() {
    if (!open_) return true;
    if (!add()) {
      out_.full = true;
      return false;
    }
    open_ = false;
    out_.to = end_;
    return true;
  }
  Cut result() { return std::move(out_); }

 private:
  void truncate() {
    event_.resize(cut_at_character(event_, kMaxEvent - kTruncated.size()));
    event_ += kTruncated;
    cut_ = true;
  }
  bool add() {
    if (event_.empty()) return true;
    Timestamp time;
    const auto found = rules_.time(event_, request_.now);
    if (found) {
      time = found->time;
      if (rules_.trims_time()) event_.erase(found->begin, found->end - found->begin);
      if (event_.empty()) return true;
    } else if (out_.last_time != Timestamp()) {
      time = out_.last_time;
    } else {
      time = read_time();
    }
    if (rules_.is_wanted(event_) && !add_to_batch(time)) return false;
    if (found) out_.last_time = time;
    return true;
  }
  bool add_to_batch(Timestamp time) {
    // An event of several lines may be within its limit and too large as JSON all the same.
    if (event_.size() > kSafePiece) {
      std::string json;
      if (append_json(event_, json) > kMaxEvent || json.size() > kMaxBatchJson - 4096) {
        event_.resize(cut_at_character(event_, kSafePiece));
        event_ += kTruncated;
      }
    }
    return out_.batch.add(time, event_);
  }
  Timestamp read_time() {
    if (!request_.marks) return request_.now;
    while (mark_ != request_.marks->end() && mark_->offset <= begin_) ++mark_;
    return mark_ == request_.marks->end() ? request_.now : mark_->time;
  }

  const LineRules& rules_;
  const CutRequest& request_;
  Cut out_;
  std::vector<Mark>::const_iterator mark_;
  std::string event_;
  bool open_ = false, cut_ = false, after_piece_ = false;
  std::int64_t begin_ = 0, end_ = 0;
};

// A carriage return belongs to the line's end, as in the CloudWatch agent.
std::string_view trimmed(std::string_view line, bool is_whole) {
  if (is_whole && line.ends_with('\r')) line.remove_suffix(1);
  line.remove_prefix(std::min(line.size(), line.find_first_not_of('\0')));
  return line;
}

}  // namespace

Result<Cut> cut(const LineRules& rules, const CutRequest& request, const ReadAt& read) {
  Window window(rules.encoding(), request.from, request.end, read);
  Cutter cutter(rules, request);
  std::string decoded;
  std::int64_t begin = request.from;
  for (;;) {
    BRUME_TRY(line, window.next());
    if (!line) break;
    if (!line->is_whole && !line->is_piece && !request.final) break;
    std::string_view text = line->bytes;
    if (!rules.encoding().is_utf8()) {
      decoded.clear();
      rules.encoding().decode(text, decoded);
      text = decoded;
    }
    if (!cutter.line(trimmed(text, line->is_whole), begin, line->end, line->is_piece)) return cutter.result();
    begin = line->end;
    window.done(*line);
  }
  if (request.end_last || request.final) cutter.close();
  return cutter.result();
}

}  // namespace brume::agent
