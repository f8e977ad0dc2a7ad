// What instances print, piece by piece and in order, also of instances that are gone: the seam to whoever ships it.
//
// A piece is a range of one file of console output. A range that was handed out once can be read again, with the same
// lines, until the instance has printed two files' worth (8 MiB) more. Every call blocks and may be made from any
// thread. Implementation: Consoles (consoles.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace brume::compute {

struct ConsoleLine {
  Timestamp time;  // when it began
  std::string text;
  bool operator==(const ConsoleLine&) const = default;
};

struct ConsoleRange {
  std::string file;  // the time of its first line, as it is written there; empty: nothing has been read yet
  std::int64_t begin = 0, end = 0;
  bool operator==(const ConsoleRange&) const = default;
};

struct ConsolePiece {
  ConsoleRange range;
  std::vector<ConsoleLine> lines;
};

class ConsoleSource {
 public:
  virtual ~ConsoleSource() = default;
  // What comes behind a range, of some 256 KiB at most; nothing if there is no more yet. `ended`: the instance prints
  // no more, so that a line without its end is one. If what comes next is gone, goes on with the oldest that is there.
  virtual Result<std::optional<ConsolePiece>> next(const std::string& id, const ConsoleRange& behind, bool ended) = 0;
  // A range once more; without lines if it is gone.
  virtual Result<ConsolePiece> again(const std::string& id, const ConsoleRange& range) = 0;
  // Instances that were destroyed and whose console is kept, until forget().
  virtual Result<std::vector<std::string>> gone() = 0;
  virtual Result<void> forget(const std::string& id) = 0;
};

}  // namespace brume::compute
