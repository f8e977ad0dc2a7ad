#include "store/memory_backend.h"

#include <set>

namespace brume::store {

Result<std::vector<Row>> MemoryBackend::load(const std::string& table, const std::string& scope) {
  std::vector<Row> rows;
  for (auto at = rows_.lower_bound({table, scope, ""}); at != rows_.end(); ++at) {
    const auto& [row_table, row_scope, key] = at->first;
    if (row_table != table || row_scope != scope) break;
    rows.push_back({key, at->second});
  }
  return rows;
}

Result<void> MemoryBackend::commit(const std::vector<Change>& changes) {
  if (full)
    return std::unexpected(Error{"InsufficientStorage", "The disk is full; free some space and try again", 507});
  for (const Change& change : changes) {
    const std::tuple row(change.table, change.scope, change.key);
    if (change.value)
      rows_[row] = *change.value;
    else
      rows_.erase(row);
  }
  ++commits;
  return {};
}

Result<std::vector<std::string>> MemoryBackend::scopes() {
  std::set<std::string> found;
  for (const auto& [row, value] : rows_) found.insert(std::get<1>(row));
  return std::vector(found.begin(), found.end());
}

Result<std::vector<Row>> MemoryBackend::read(const std::string& table, const std::string& scope,
                                             const std::string& first, const std::string& end) {
  std::vector<Row> rows;
  const auto last = rows_.lower_bound({table, scope, end});
  for (auto at = rows_.lower_bound({table, scope, first}); first < end && at != last; ++at)
    rows.push_back({std::get<2>(at->first), at->second});
  return rows;
}

Result<std::vector<std::string>> MemoryBackend::keys(const std::string& table, const std::string& scope,
                                                     const std::string& first, const std::string& end) {
  std::vector<std::string> found;
  const auto last = rows_.lower_bound({table, scope, end});
  for (auto at = rows_.lower_bound({table, scope, first}); first < end && at != last; ++at)
    found.push_back(std::get<2>(at->first));
  return found;
}

}  // namespace brume::store
