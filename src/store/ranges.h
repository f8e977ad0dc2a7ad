// Parts of a table, for tables that are too large to be held in memory: rows by ranges of their keys.
//
// What a Backend may offer besides loading a whole table; both of ours do. Reads see what is committed: changes of the
// transaction under way are not among them. Writing is Store::record, as everywhere.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace brume::store {

class Ranges {
 public:
  virtual ~Ranges() = default;
  // Calls `each` for the rows with first <= key < end, in the order of their keys (bytes). It does not call the
  // backend; what it is given is there until it returns.
  using Each = std::function<void(std::string_view key, std::string_view value)>;
  virtual Result<void> read(const std::string& table, const std::string& scope, const std::string& first,
                            const std::string& end, const Each& each) = 0;
  // Their keys alone.
  virtual Result<std::vector<std::string>> keys(const std::string& table, const std::string& scope,
                                                const std::string& first, const std::string& end) = 0;
};

// Those of the store's backend; null if it has none.
inline Ranges* ranges_of(Store& store) {
  return dynamic_cast<Ranges*>(&store.backend());
}

}  // namespace brume::store
