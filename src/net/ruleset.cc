#include "net/ruleset.h"

#include <fmt/format.h>

namespace brume::net {
namespace {

constexpr const char* kTable = "inet brume";
using Elements = SharedSet<std::string>;

std::string listed(const std::string& verb, const std::string& name, const std::vector<std::string>& elements) {
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

}  // namespace

std::string replacement(const Ruleset& wanted) {
  const std::string table(kTable);
  return "add table " + table + "\ndelete table " + table + "\nadd table " + table + "\n" + difference({}, wanted);
}

std::string difference(const Ruleset& present, const Ruleset& wanted) {
  // What others refer to comes first and goes last.
  std::string made, emptied, shrunk, grown, filled, gone;
  const auto fill = [&](const std::string& name, const Elements& before, const Elements& after) {
    std::vector<std::string> less, more;
    Elements::differences(before, after,
                          [&](const std::string& element, bool added) { (added ? more : less).push_back(element); });
    shrunk += listed("delete", name, less);
    grown += listed("add", name, more);
  };
  SharedMap<std::string, Ruleset::Set>::differences(
      present.sets, wanted.sets, [&](const std::string& name, const Ruleset::Set* old, const Ruleset::Set* now) {
        if (!now) {
          gone += fmt::format("delete {} {} {}\n", old->kind, kTable, name);
          return;
        }
        if (!old) made += declare(name, *now);
        fill(name, old ? old->elements : Elements(), now->elements);
      });
  SharedMap<std::string, Ruleset::Chain>::differences(
      present.chains, wanted.chains,
      [&](const std::string& name, const Ruleset::Chain* old, const Ruleset::Chain* now) {
        if (old) emptied += fmt::format("flush chain {} {}\n", kTable, name);
        if (!now) {
          // Before the sets, which its rules no longer name.
          gone = fmt::format("delete chain {} {}\n", kTable, name) + gone;
          return;
        }
        if (!old) made += declare(name, *now);
        filled += rules_of(name, *now);
      });
  return made + emptied + shrunk + grown + filled + gone;
}

}  // namespace brume::net
