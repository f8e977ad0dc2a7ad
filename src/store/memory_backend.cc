#include "store/memory_backend.h"

#include <set>

namespace brume::store {

const MemoryBackend::Rows& MemoryBackend::rows_of(const std::string& table, const std::string& scope) const {
  static const Rows kNone;
  const auto found = tables_.find({table, scope});
  return found == tables_.end() ? kNone : found->second;
}

Result<std::vector<Row>> MemoryBackend::load(const std::string& table, const std::string& scope) {
  std::vector<Row> rows;
  for (const auto& [key, value] : rows_of(table, scope)) rows.push_back({key, value});
  return rows;
}

Result<void> MemoryBackend::commit(const std::vector<Change>& changes) {
  if (full)
    return std::unexpected(Error{"InsufficientStorage", "The disk is full; free some space and try again", 507});
  const Change* before = nullptr;  // changes come table by table
  Rows* rows = nullptr;
  for (const Change& change : changes) {
    if (!before || before->table != change.table || before->scope != change.scope)
      rows = &tables_[{change.table, change.scope}];
    before = &change;
    if (change.value)
      (*rows)[change.key] = *change.value;
    else
      rows->erase(change.key);
  }
  ++commits;
  return {};
}

Result<std::vector<std::string>> MemoryBackend::scopes() {
  std::set<std::string> found;
  for (const auto& [table, rows] : tables_)
    if (!rows.empty()) found.insert(table.second);
  return std::vector(found.begin(), found.end());
}

Result<void> MemoryBackend::read(const std::string& table, const std::string& scope, const std::string& first,
                                 const std::string& end, const Each& each) {
  const Rows& rows = rows_of(table, scope);
  for (auto at = rows.lower_bound(first); at != rows.end() && at->first < end; ++at) each(at->first, at->second);
  return {};
}

Result<std::vector<std::string>> MemoryBackend::keys(const std::string& table, const std::string& scope,
                                                     const std::string& first, const std::string& end) {
  std::vector<std::string> found;
  const Rows& rows = rows_of(table, scope);
  for (auto at = rows.lower_bound(first); at != rows.end() && at->first < end; ++at) found.push_back(at->first);
  return found;
}

}  // namespace brume::store
