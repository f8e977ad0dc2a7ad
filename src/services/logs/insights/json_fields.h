// Members of a JSON text by their paths: one pass over the text, which skips all that is not asked for.
//
// A path is the names of members and indices of arrays with dots between, as CloudWatch Logs Insights flattens
// messages ("Fields in JSON logs": requestParameters.instancesSet.items.0.instanceId). A name that itself has dots is
// found as well. Nothing is checked beyond what is passed on the way: of a text that is cut off, what comes before the
// cut is found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/logs/insights/value.h"

namespace brume::logs::insights {

class JsonFields {
 public:
  // With `structures`, maps and lists are values too (of kind json); otherwise only their members are.
  JsonFields(std::vector<std::string> paths, bool structures);

  // Sets values[i] to what paths[i] leads to: missing if it leads nowhere or to null. Numbers are texts, as they are
  // written. The values point into `text` or `scratch`. Of a member that is there twice, the first counts.
  void find(std::string_view text, std::span<Value> values, Scratch& scratch);

 private:
  // A path that leads into the value at hand; what is left of it begins at `offset` (its end: this is the value).
  struct Active {
    std::uint32_t path, offset;
  };
  struct Pass;

  std::vector<std::string> paths_;
  bool structures_;
  std::vector<Active> work_;  // of the pass that runs; kept for its memory
};

// The JSON text at the front of `text`, spaces aside, if it is a whole map or list and nothing else follows; empty
// otherwise. Brackets and quotes must match; what is within is not checked.
std::string_view whole_structure(std::string_view text);

}  // namespace brume::logs::insights
