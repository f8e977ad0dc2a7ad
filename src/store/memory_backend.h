// A backend that lives as long as its object: for simulations, where it plays the disk that survives a crash.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "store/ranges.h"
#include "store/store.h"

namespace brume::store {

class MemoryBackend : public Backend, public Ranges {
 public:
  Result<std::vector<Row>> load(const std::string& table, const std::string& scope) override;
  Result<void> commit(const std::vector<Change>& changes) override;
  Result<std::vector<std::string>> scopes() override;
  Result<void> read(const std::string& table, const std::string& scope, const std::string& first,
                    const std::string& end, const Each& each) override;
  Result<std::vector<std::string>> keys(const std::string& table, const std::string& scope, const std::string& first,
                                        const std::string& end) override;

  bool full = false;  // every commit fails with InsufficientStorage
  std::uint64_t commits = 0;

 private:
  using Rows = std::map<std::string, std::string>;
  [[nodiscard]] const Rows& rows_of(const std::string& table, const std::string& scope) const;

  std::map<std::pair<std::string, std::string>, Rows> tables_;  // by table and scope
};

}  // namespace brume::store
