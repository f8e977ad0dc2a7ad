// What an instance has printed, on disk: conmon's log, and the one before it.
//
// When its log is full, conmon renames an empty one over it; all that the instance had printed would be gone at that
// moment. So the log has a second name, by which it outlives the renaming: keep_previous() gives each new log one, and
// is to be called now and then. Only if two logs are filled between two calls may the older part of what is read be
// missing; the newest never is.
#pragma once

#include <string>

#include "base/result.h"
#include "env/files.h"

namespace brume::compute {

// In the instance's folder: console.log is conmon's; console.now is its second name, console.old that of the one
// before.
void keep_previous(const std::string& folder);

// At most `limit` bytes of text, the newest; empty if there is none.
Result<std::string> read_console(const env::Files& files, const std::string& folder, std::size_t limit);

}  // namespace brume::compute
