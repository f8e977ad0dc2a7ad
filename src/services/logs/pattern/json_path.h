// A property of a JSON log event: $.requestParameters.tags[0]['a b'].
//
// Names after a period are letters, digits, - and _; others stand in ['…'], in which \' and \\ are a quote and a
// backslash. `.*` is any property of an object, `[*]` any element of an array; one of them a selector (user guide).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "services/logs/pattern/cursor.h"

namespace brume::logs {

struct JsonPath {
  struct Step {
    enum class Kind : std::uint8_t { property, element, any_property, any_element } kind = Kind::property;
    std::string name;           // of a property
    std::uint32_t element = 0;  // counted from 0
    bool operator==(const Step&) const = default;
  };
  std::vector<Step> steps;  // from the root; one at least
  bool wildcard = false;    // one of them is

  bool operator==(const JsonPath&) const = default;

  // At the cursor, which is behind it then. Errors: InvalidParameterException.
  static Result<JsonPath> parse(Cursor& cursor);
};

// Many of them as a tree, so that a scan of an event follows all at once.
class JsonPaths {
 public:
  static constexpr std::size_t kMostWildcards = 3;

  struct Node {
    std::vector<std::pair<std::string, std::uint32_t>> properties;  // name, and the node there
    std::vector<std::pair<std::uint32_t, std::uint32_t>> elements;
    std::uint32_t any_property = 0, any_element = 0;  // 0, the root: none
    std::int32_t path = -1;                           // the number of the one that ends here
  };

  JsonPaths() : nodes_(1) {}
  // Its number, counted from 0; the same path has the same one. At most kMostWildcards different ones may have
  // wildcards.
  std::size_t add(const JsonPath& path);
  [[nodiscard]] const Node& root() const { return nodes_[0]; }
  [[nodiscard]] const Node& node(std::uint32_t number) const { return nodes_[number]; }

 private:
  std::uint32_t below(std::uint32_t node, const JsonPath::Step& step);

  std::vector<Node> nodes_;
  std::int32_t paths_ = 0;
};

}  // namespace brume::logs
