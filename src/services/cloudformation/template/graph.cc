#include "services/cloudformation/template/graph.h"

#include <algorithm>

namespace brume::cloudformation::templates {

Result<Needs> dependencies(const Template& source, const Scope& scope) {
  Needs out;
  for (const Resource& resource : source.resources) {
    BRUME_TRY(there, holds(resource.condition, scope, resource.line));
    if (there) out[resource.id];
  }
  for (const Resource& resource : source.resources) {
    if (!out.contains(resource.id)) continue;
    std::set<std::string>& needs = out[resource.id];
    const auto unresolved = [&](const std::string& name, int line) {
      return format_error(line, "Unresolved resource dependencies [{}] in the Resources block of the template", name);
    };
    for (const std::string& id : resource.depends_on) {
      if (!source.resource(id)) return unresolved(id, resource.line);
      if (out.contains(id)) needs.insert(id);
    }
    for (const Reference& reference : references(resource.properties, &scope.conditions)) {
      if (scope.parameters.contains(reference.target) || reference.target == "AWS::NoValue") continue;
      if (!source.resource(reference.target) && !reference.attribute.empty())
        return template_error(reference.line, "instance of Fn::GetAtt references undefined resource {}",
                              reference.target);
      if (!out.contains(reference.target)) return unresolved(reference.target, reference.line);
      needs.insert(reference.target);
    }
  }
  return out;
}

Result<std::vector<std::string>> in_order(const Needs& needs) {
  std::vector<std::string> order;
  std::set<std::string> left, done;
  for (const auto& [id, unused] : needs) left.insert(id);
  while (!left.empty()) {
    const std::size_t before = order.size();
    for (auto at = left.begin(); at != left.end();) {
      const bool ready =
          std::ranges::all_of(needs.find(*at)->second, [&](const std::string& id) { return done.contains(id); });
      if (!ready) {
        ++at;
        continue;
      }
      order.push_back(*at);
      at = left.erase(at);
    }
    done.insert(order.begin() + std::ptrdiff_t(before), order.end());
    if (order.size() > before) continue;
    // Only what is on a cycle is named: drop what nothing else that is left needs.
    for (bool shrunk = true; shrunk;) {
      shrunk = false;
      for (auto at = left.begin(); at != left.end();) {
        const bool needed =
            std::ranges::any_of(left, [&](const std::string& id) { return needs.find(id)->second.contains(*at); });
        shrunk |= !needed;
        at = needed ? std::next(at) : left.erase(at);
      }
    }
    std::string names;
    for (const std::string& id : left) names += (names.empty() ? "" : ", ") + id;
    return fail("ValidationError", "Circular dependency between resources: [{}]", names);
  }
  return order;
}

}  // namespace brume::cloudformation::templates
