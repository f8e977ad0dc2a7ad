// Parts of a table, for tables that are too large to be held in memory: rows by ranges of their keys.
//
// What a Backend may offer besides loading a whole table; both of ours do. Reads see what is committed: changes of the
// transaction under way are not among them. Writing is Store::record, as everywhere.
#pragma once

#include <string>
#include <vector>

#include "store/store.h"

namespace brume::store {

class Ranges {
 public:
  virtual ~Ranges() = default;
  // The rows with first <= key < end, in the order of their keys (bytes).
  virtual Result<std::vector<Row>> read(const std::string& table, const std::string& scope, const std::string& first,
                                        const std::string& end) = 0;
  // Their keys alone.
  virtual Result<std::vector<std::string>> keys(const std::string& table, const std::string& scope,
                                                const std::string& first, const std::string& end) = 0;
};

// Those of the store's backend; null if it has none.
inline Ranges* ranges_of(Store& store) {
  return dynamic_cast<Ranges*>(&store.backend());
}

}  // namespace brume::store
