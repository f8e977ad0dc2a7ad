#include "aws/query.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "aws/http.h"
#include "aws/text.h"

namespace brume::aws {
namespace {

constexpr int kMaxDepth = 32;
constexpr std::uint32_t kMaxIndex = 100000;

struct Node {
  const std::string* value = nullptr;
  std::map<std::string, Node, std::less<>> children;
  bool used = false;
};

bool flattened(const Shape& shape, const Member* member) {
  return shape.flattened || (member && member->flattened);
}

bool reserved(std::string_view name) {
  return name == "Action" || name == "Version" || name.starts_with("X-Amz-") || name == "AWSAccessKeyId";
}

Result<Node> build(const Parameters& parameters) {
  Node root;
  for (const auto& [name, value] : parameters) {
    if (reserved(name)) continue;
    Node* node = &root;
    int depth = 0;
    for (std::string_view rest = name;;) {
      if (++depth > kMaxDepth)
        return fail("MalformedQueryString", "A parameter name is nested more than {} deep.", kMaxDepth);
      const auto dot = rest.find('.');
      node = &node->children[std::string(rest.substr(0, dot))];
      if (dot == std::string_view::npos) break;
      rest.remove_prefix(dot + 1);
    }
    if (node->value) return fail("MalformedQueryString", "The parameter {} is given more than once.", name);
    node->value = &value;
  }
  return root;
}

class Reader {
 public:
  explicit Reader(QueryDialect dialect) : dialect_(dialect) {}

  Result<void> structure(const Shape& shape, void* out, Node& node, const std::string& path) {
    for (const Member& member : shape.members) {
      const Shape& inner = *member.shape();
      const std::string name = query_name(dialect_, member);
      const auto found = node.children.find(name);
      if (found == node.children.end()) continue;
      BRUME_CHECK(value(inner, &member, member.emplace(out), found->second, path.empty() ? name : path + "." + name));
    }
    return {};
  }

  // The full name of a parameter that no member took, or "".
  static std::string unused(const Node& node, const std::string& path) {
    if (node.value && !node.used) return path;
    for (const auto& [name, child] : node.children)
      if (std::string found = unused(child, path.empty() ? name : path + "." + name); !found.empty()) return found;
    return {};
  }

 private:
  Result<void> value(const Shape& shape, const Member* member, void* out, Node& node, const std::string& path) {
    switch (shape.kind) {
      case Kind::structure:
        node.used = true;  // "Name=" for an empty structure
        return structure(shape, out, node, path);
      case Kind::list:
        return list(shape, member, out, node, path);
      case Kind::map:
        return map(shape, member, out, node, path);
      default:
        break;
    }
    node.used = true;
    if (!node.value) return malformed(path, "", "a single value");
    if (auto read = from_text(shape, out, *node.value); !read)
      return malformed(path, *node.value, read.error().message);
    return {};
  }

  Result<void> list(const Shape& shape, const Member* member, void* out, Node& node, const std::string& path) {
    shape.list->set_present(out);
    if (node.value && node.value->empty()) node.used = true;  // "Name=" is an empty list
    Node* items = &node;
    std::string place = path;
    if (dialect_ == QueryDialect::query && !flattened(shape, member)) {
      const std::string_view element_name = shape.element_name ? shape.element_name : "member";
      const auto found = node.children.find(element_name);
      if (found == node.children.end()) return {};
      items = &found->second;
      place.append(".").append(element_name);
    }
    BRUME_TRY(ordered, by_index(*items, place));
    for (auto& [index, child] : ordered)
      BRUME_CHECK(
          value(*shape.element(), nullptr, shape.list->append(out), *child, fmt::format("{}.{}", place, index)));
    return {};
  }

  Result<void> map(const Shape& shape, const Member* member, void* out, Node& node, const std::string& path) {
    shape.map->set_present(out);
    if (node.value && node.value->empty()) node.used = true;
    Node* items = &node;
    std::string place = path;
    if (!flattened(shape, member)) {
      const auto found = node.children.find("entry");
      if (found == node.children.end()) return {};
      items = &found->second;
      place += ".entry";
    }
    BRUME_TRY(ordered, by_index(*items, place));
    for (auto& [index, child] : ordered) {
      const std::string entry = fmt::format("{}.{}", place, index);
      const auto key = child->children.find(std::string_view(shape.key_name ? shape.key_name : "key"));
      const auto held = child->children.find(std::string_view(shape.value_name ? shape.value_name : "value"));
      if (key == child->children.end() || !key->second.value || held == child->children.end())
        return malformed(entry, "", "a key and a value");
      key->second.used = true;
      if (!is_text(*key->second.value)) return malformed(entry, "", "UTF-8 text");
      BRUME_CHECK(value(*shape.element(), nullptr, shape.map->insert(out, *key->second.value), held->second, entry));
    }
    return {};
  }

  Result<std::vector<std::pair<std::uint32_t, Node*>>> by_index(Node& node, const std::string& path) const {
    std::vector<std::pair<std::uint32_t, Node*>> ordered;
    for (auto& [name, child] : node.children) {
      std::uint32_t index = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
      if (error != std::errc{} || end != name.data() + name.size() || index > kMaxIndex || name.starts_with('0')) {
        if (dialect_ == QueryDialect::ec2)
          return fail("UnknownParameter", "The parameter {}.{} is not recognized", path, name);
        return fail("MalformedInput", "Key {}.{}: '{}' is not a valid index", path, name, name);
      }
      ordered.emplace_back(index, &child);
    }
    std::ranges::sort(ordered, {}, [](const auto& entry) { return entry.first; });
    return ordered;
  }

  [[nodiscard]] std::unexpected<Error> malformed(const std::string& path, std::string_view given,
                                                 std::string_view expected) const {
    if (!is_text(given)) given = "";
    if (dialect_ == QueryDialect::ec2)
      return fail("InvalidParameterValue", "Value ({}) for parameter {} is invalid. Expected {}.", given, path,
                  expected);
    return fail("MalformedInput", "Value '{}' for parameter {} is invalid: expected {}", given, path, expected);
  }

  QueryDialect dialect_;
};

class Writer {
 public:
  explicit Writer(QueryDialect dialect) : dialect_(dialect) {}

  void put(std::string_view name, std::string_view value) {
    if (!out.empty()) out += '&';
    out.append(percent_encode(name)).append("=").append(percent_encode(value));
  }

  void structure(const Shape& shape, const void* held, const std::string& prefix) {
    for (const Member& member : shape.members) {
      const void* inner = member.get(held);
      if (inner)
        value(*member.shape(), &member, inner,
              prefix.empty() ? query_name(dialect_, member) : prefix + "." + query_name(dialect_, member));
    }
  }

  std::string out;

 private:
  void value(const Shape& shape, const Member* member, const void* held, const std::string& prefix) {
    switch (shape.kind) {
      case Kind::structure:
        structure(shape, held, prefix);
        return;
      case Kind::list:
        list(shape, member, held, prefix);
        return;
      case Kind::map: {
        const std::string base = flattened(shape, member) ? prefix : prefix + ".entry";
        std::size_t index = 0;
        shape.map->each(held, [&](const std::string& key, const void* element) {
          const std::string entry = fmt::format("{}.{}", base, ++index);
          put(fmt::format("{}.{}", entry, shape.key_name ? shape.key_name : "key"), key);
          value(*shape.element(), nullptr, element,
                fmt::format("{}.{}", entry, shape.value_name ? shape.value_name : "value"));
        });
        return;
      }
      default:
        put(prefix, to_text(shape, member, held));
    }
  }

  void list(const Shape& shape, const Member* member, const void* held, const std::string& prefix) {
    const std::size_t size = shape.list->size(held);
    std::string base = prefix;
    if (dialect_ == QueryDialect::query) {
      if (size == 0) return put(prefix, "");
      if (!flattened(shape, member)) base.append(".").append(shape.element_name ? shape.element_name : "member");
    }
    for (std::size_t i = 0; i < size; ++i)
      value(*shape.element(), nullptr, shape.list->at(held, i), fmt::format("{}.{}", base, i + 1));
  }

  QueryDialect dialect_;
};

}  // namespace

std::string query_name(QueryDialect dialect, const Member& member) {
  if (dialect == QueryDialect::query) return member.wire();
  if (member.query_name) return member.query_name;
  std::string name = member.wire();
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = char(name[0] - 'a' + 'A');
  return name;
}

Result<void> read_query(QueryDialect dialect, const Shape* shape, void* value, const Parameters& parameters) {
  BRUME_TRY(root, build(parameters));
  if (shape) BRUME_CHECK(Reader(dialect).structure(*shape, value, root, ""));
  if (dialect == QueryDialect::ec2)
    if (const std::string name = Reader::unused(root, ""); !name.empty() && name != "DryRun")
      return fail("UnknownParameter", "The parameter {} is not recognized", is_text(name) ? name : "");
  return {};
}

std::string write_query(QueryDialect dialect, std::string_view action, std::string_view version, const Shape* shape,
                        const void* value) {
  Writer writer(dialect);
  writer.put("Action", action);
  writer.put("Version", version);
  if (shape && value) writer.structure(*shape, value, "");
  return std::move(writer.out);
}

}  // namespace brume::aws
