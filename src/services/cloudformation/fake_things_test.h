// What the fakes of the services share: their things lie in the same store as the stacks, so that a transaction that is
// undone undoes them too. Every call is recorded, the call that is told to fails, and what something else still names
// is not deleted.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "env/sim.h"
#include "store/table.h"

namespace brume::cloudformation {

struct Thing {
  std::string id, kind, name, text;  // text: the request that made it, in which ids of others appear
  Timestamp made{};
};

}  // namespace brume::cloudformation

BRUME_RECORD(brume::cloudformation::Thing, id, kind, name, text, made)

namespace brume::cloudformation {

class FakeThings {
 public:
  FakeThings(store::Store& store, env::SimEnv& env) : things(store, "things", ""), env_(env) {}

  store::Table<Thing> things;
  std::vector<std::string> calls;
  std::map<std::string, std::string> fail_with;  // operation: message
  std::map<std::string, int> allowed;            // how many calls of an operation succeed before that

  std::vector<std::string> ids(const std::string& kind) const {
    std::vector<std::string> out;
    for (const auto& [id, thing] : things.rows())
      if (thing.kind == kind) out.push_back(id);
    return out;
  }
  int count(const std::string& operation) const { return int(std::ranges::count(calls, operation)); }

 protected:
  Timestamp now() const { return env_.clock.wall(); }
  Result<void> called(const std::string& operation) {
    calls.push_back(operation);
    if (allowed[operation]-- > 0) return {};
    if (const auto found = fail_with.find(operation); found != fail_with.end())
      return fail("Refused", "{}", found->second);
    return {};
  }
  Result<void> put(Thing thing) {
    if (things.contains(thing.id)) return fail("AlreadyExists", "{} exists", thing.id);
    things.put(std::string(thing.id), thing);
    return {};
  }
  template <typename R>
  Result<std::string> make(const std::string& operation, const std::string& prefix, const R& request) {
    BRUME_CHECK(called(operation));
    const std::string id = prefix + (prefix.contains(':') ? "/" : "-") + env_.random.hex(8);
    BRUME_CHECK(put({id, prefix, "", to_json(request), now()}));
    return id;
  }
  template <typename R>
  Result<void> make_named(const std::string& operation, const std::string& kind, const std::string& id,
                          const R& request) {
    BRUME_CHECK(called(operation));
    return put({id, kind, id, to_json(request), now()});
  }
  Result<void> drop(const std::string& operation, const std::string& id, const std::string& except = {}) {
    BRUME_CHECK(called(operation));
    if (!things.contains(id)) return fail("Thing.NotFound", "{} does not exist", id);
    for (const auto& [other, thing] : things.rows())
      if (other != id && other != except && thing.text.contains(id))
        return fail("Thing.Busy", "{} is needed by {}", id, other);
    if (!except.empty()) things.erase(except);
    things.erase(id);
    return {};
  }

  env::SimEnv& env_;
};

}  // namespace brume::cloudformation
