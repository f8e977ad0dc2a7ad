#include "services/ec2/other_regions.h"

namespace brume::ec2 {

Result<std::set<std::string>> ids_of_other_regions(const services::Context& context,
                                                   std::initializer_list<const char*> tables) {
  std::set<std::string> ids;
  BRUME_TRY(scopes, context.store.backend().scopes());
  for (const std::string& scope : scopes) {
    if (scope == context.region) continue;
    for (const char* table : tables) {
      BRUME_TRY(rows, context.store.backend().load(table, scope));
      for (store::Row& row : rows) ids.insert(std::move(row.key));
    }
  }
  return ids;
}

}  // namespace brume::ec2
