#include "net/ruleset.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace brume::net {
namespace {

constexpr const char* kTable = "inet brume";

std::string listed(const std::string& verb, const std::string& name, const std::set<std::string>& elements) {
  if (elements.empty()) return "";
  return fmt::format("{} element {} {} {{ {} }}\n", verb, kTable, name, fmt::join(elements, ", "));
}
std::string declare(const std::string& name, const Ruleset::Set& set) {
  return fmt::format("add {} {} {} {{ {} }}\n", set.kind, kTable, name, set.declaration);
}
std::string declare(const std::string& name, const Ruleset::Chain& chain) {
  return fmt::format("add chain {} {}{}\n", kTable, name, chain.hook.empty() ? "" : " { " + chain.hook + " }");
}
std::string rules_of(const std::string& name, const Ruleset::Chain& chain) {
  std::string out;
  for (const std::string& rule : chain.rules) out += fmt::format("add rule {} {} {}\n", kTable, name, rule);
  return out;
}
std::set<std::string> without(const std::set<std::string>& all, const std::set<std::string>& these) {
  std::set<std::string> out;
  std::ranges::set_difference(all, these, std::inserter(out, out.end()));
  return out;
}

}  // namespace

std::string replacement(const Ruleset& wanted) {
  const std::string table(kTable);
  return "add table " + table + "\ndelete table " + table + "\nadd table " + table + "\n" + difference({}, wanted);
}

std::string difference(const Ruleset& present, const Ruleset& wanted) {
  // What others refer to comes first and goes last.
  std::string made, emptied, shrunk, grown, filled, gone;
  for (const auto& [name, set] : wanted.sets) {
    const auto old = present.sets.find(name);
    if (old == present.sets.end()) {
      made += declare(name, *set);
      grown += listed("add", name, set->elements);
    } else if (old->second != set) {
      shrunk += listed("delete", name, without(old->second->elements, set->elements));
      grown += listed("add", name, without(set->elements, old->second->elements));
    }
  }
  for (const auto& [name, chain] : wanted.chains) {
    const auto old = present.chains.find(name);
    if (old == present.chains.end()) made += declare(name, *chain);
    if (old != present.chains.end() && (old->second == chain || *old->second == *chain)) continue;
    if (old != present.chains.end()) emptied += fmt::format("flush chain {} {}\n", kTable, name);
    filled += rules_of(name, *chain);
  }
  for (const auto& [name, chain] : present.chains) {
    if (wanted.chains.contains(name)) continue;
    emptied += fmt::format("flush chain {} {}\n", kTable, name);
    gone += fmt::format("delete chain {} {}\n", kTable, name);
  }
  for (const auto& [name, set] : present.sets)
    if (!wanted.sets.contains(name)) gone += fmt::format("delete {} {} {}\n", set->kind, kTable, name);
  return made + emptied + shrunk + grown + filled + gone;
}

}  // namespace brume::net
