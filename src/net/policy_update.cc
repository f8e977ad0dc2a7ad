#include "net/policy_update.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "net/rule_elements.h"
#include "net/table_names.h"

namespace brume::net {
namespace {

using Groups = SharedMap<std::string, SecurityGroup>;
using Interfaces = SharedMap<std::string, PolicyInterface>;
using Members = std::pair<std::string, bool>;  // a group's, of a family (IPv6?)

std::string name_of(const Members& members) {
  return members_name(members.first, members.second);
}

void count(SharedMap<std::string, int>& counts, const std::string& what, int more) {
  const int* before = counts.get(what);
  const int now = (before ? *before : 0) + more;
  if (now == 0)
    counts.erase(what);
  else
    counts.put(what, now);
}

// Whose members the group's rules name, once for each rule.
std::vector<Members> references_of(const SecurityGroup& group) {
  std::vector<Members> found;
  for (const GroupRule& rule : group.rules) {
    if (rule.group_id.empty()) continue;
    const Match match = match_of(rule.traffic);
    for (const bool ipv6 : {false, true})
      if (fits(match.kind, match.protocol, ipv6)) found.emplace_back(rule.group_id, ipv6);
  }
  return found;
}

std::string key_of(const std::vector<std::string>& combination) {
  return fmt::format("{}", fmt::join(combination, " "));
}

std::vector<std::string> groups_of(const std::string& combination) {
  std::vector<std::string> groups;
  for (std::size_t begin = 0, end = 0; begin < combination.size(); begin = end + 1) {
    end = std::min(combination.find(' ', begin), combination.size());
    groups.push_back(combination.substr(begin, end - begin));
  }
  return groups;
}

// Each once.
std::set<std::string> groups_of(const PolicyInterface& interface) {
  return {interface.group_ids.begin(), interface.group_ids.end()};
}

void count_interface(PolicyTable& table, const Policy& policy, const PolicyInterface& interface, int more) {
  count(table.combinations, key_of(combination_of(policy, interface.group_ids)), more);
  for (const std::string& group : groups_of(interface)) count(table.named, group, more);
}
void count_group(PolicyTable& table, const SecurityGroup& group, int more) {
  for (const Members& members : references_of(group)) count(table.references, name_of(members), more);
}

class Update {
 public:
  // The policies differ in groups and interfaces only.
  Update(const PolicyTable& before, const Policy& policy)
      : before_(before), policy_(policy), context_(policy), table_(before), rules_(table_.compiled.rules) {
    context_.groups.clear();
    context_.interfaces.clear();
    table_.compiled.policy = policy;
    const Policy& old_policy = before.compiled.policy;
    Groups::differences(old_policy.groups, policy.groups,
                        [&](const std::string&, const SecurityGroup* old, const SecurityGroup* now) {
                          if (old) old_groups_.push_back(old);
                          if (now) new_groups_.push_back(now);
                        });
    Interfaces::differences(old_policy.interfaces, policy.interfaces,
                            [&](const std::string&, const PolicyInterface* old, const PolicyInterface* now) {
                              if (old) gone_.push_back(old);
                              if (now) come_.push_back(now);
                            });
  }

  // False if it takes the whole.
  bool run() {
    for (const SecurityGroup* group : old_groups_) count_group(table_, *group, -1);
    for (const SecurityGroup* group : new_groups_) count_group(table_, *group, 1);
    for (const PolicyInterface* interface : gone_) count_interface(table_, before_.compiled.policy, *interface, -1);
    if (a_combination_is_renamed()) return false;
    for (const PolicyInterface* interface : come_) count_interface(table_, policy_, *interface, 1);
    move_interfaces();
    move_members();
    remake();
    return true;
  }
  PolicyTable take() { return std::move(table_); }

 private:
  // A group has come or gone that an interface names now as before.
  [[nodiscard]] bool a_combination_is_renamed() const {
    const auto is_named = [&](const std::vector<const SecurityGroup*>& groups, const Policy& other) {
      return std::ranges::any_of(groups, [&](const SecurityGroup* group) {
        return !other.groups.contains(group->id) && table_.named.contains(group->id);
      });
    };
    return is_named(old_groups_, policy_) || is_named(new_groups_, before_.compiled.policy);
  }

  // What is in the sets that are there without any interface, because of these.
  template <typename F>
  void each_place(const std::vector<const PolicyInterface*>& interfaces, const Policy& of, F&& visit) {
    if (interfaces.empty()) return;
    Policy part = context_;
    for (const PolicyInterface* interface : interfaces) {
      part.interfaces.put(interface->id, *interface);
      for (const std::string& group : groups_of(*interface))
        if (of.groups.contains(group)) part.groups.put(group, {.id = group, .rules = {}});
    }
    const Ruleset without = compile(context_, before_.services), with = compile(part, before_.services);
    for (const auto& [name, set] : without.sets)
      SharedSet<std::string>::differences(set.elements, with.sets.at(name).elements,
                                          [&](const std::string& element, bool) { visit(name, element); });
  }

  void move_interfaces() {
    std::map<std::string, Ruleset::Set> changed;
    const auto set = [&](const std::string& name) -> Ruleset::Set& {
      const auto [found, is_new] = changed.try_emplace(name);
      if (is_new) found->second = rules_.sets.at(name);
      return found->second;
    };
    each_place(gone_, before_.compiled.policy,
               [&](const std::string& name, const std::string& element) { set(name).elements.erase(element); });
    each_place(come_, policy_,
               [&](const std::string& name, const std::string& element) { set(name).elements.insert(element); });
    for (auto& [name, now] : changed) rules_.sets.put(name, std::move(now));
  }

  [[nodiscard]] SharedSet<std::string> all_members(const Members& members) const {
    std::set<std::string> found;
    for (const auto& [id, interface] : policy_.interfaces)
      if (std::ranges::find(interface.group_ids, members.first) != interface.group_ids.end())
        for (const std::string& address : interface.addresses)
          if (is_ipv6(address) == members.second) found.insert(address);
    return SharedSet<std::string>::of(found);
  }

  void move_members() {
    std::map<Members, std::vector<std::pair<bool, std::string>>> moves;  // gone first, then what has come
    for (const auto* groups : {&old_groups_, &new_groups_})
      for (const SecurityGroup* group : *groups)
        for (const Members& members : references_of(*group)) moves[members];
    for (const auto* interfaces : {&gone_, &come_})
      for (const PolicyInterface* interface : *interfaces)
        for (const std::string& group : groups_of(*interface))
          for (const std::string& address : interface->addresses)
            moves[{group, is_ipv6(address)}].emplace_back(interfaces == &come_, address);
    for (const auto& [members, moved] : moves) {
      const std::string name = name_of(members);
      const Ruleset::Set* present = rules_.sets.get(name);
      if (!table_.references.contains(name)) {
        rules_.sets.erase(name);
        continue;
      }
      Ruleset::Set now{"set", members.second ? "type ipv6_addr;" : "type ipv4_addr;", {}};
      if (present) {
        now = *present;
        for (const auto& [added, address] : moved)
          if (added)
            now.elements.insert(address);
          else
            now.elements.erase(address);
      } else {
        now.elements = all_members(members);
      }
      if ((present != nullptr) == now.elements.empty()) flipped_.insert(members);
      if (now.elements.empty())
        rules_.sets.erase(name);
      else
        rules_.sets.put(name, std::move(now));
    }
  }

  // Those whose rules differ, and those whose rules name a group that had no members or has none any more.
  [[nodiscard]] std::vector<const SecurityGroup*> groups_to_remake() const {
    std::vector<const SecurityGroup*> groups = new_groups_;
    if (flipped_.empty()) return groups;
    for (const auto& [id, group] : policy_.groups) {
      const auto references = references_of(group);
      if (std::ranges::find(groups, &group) == groups.end() &&
          std::ranges::any_of(references, [&](const Members& members) { return flipped_.contains(members); }))
        groups.push_back(&group);
    }
    return groups;
  }

  // New ones, and those with a group whose rules differ.
  [[nodiscard]] std::vector<std::vector<std::string>> combinations_to_remake() const {
    std::vector<std::vector<std::string>> found;
    if (!new_groups_.empty()) {
      for (const auto& [key, uses] : table_.combinations) {
        auto groups = groups_of(key);
        if (std::ranges::any_of(new_groups_, [&](const SecurityGroup* group) {
              return std::ranges::find(groups, group->id) != groups.end();
            }))
          found.push_back(std::move(groups));
      }
    }
    for (const PolicyInterface* interface : come_) {
      auto groups = combination_of(policy_, interface->group_ids);
      if (!before_.combinations.contains(key_of(groups))) found.push_back(std::move(groups));
    }
    return found;
  }

  void remake() {
    const auto groups = groups_to_remake();
    const auto combinations = combinations_to_remake();
    Policy part = context_;
    const auto stand_in = [&](std::vector<std::string> addresses, std::vector<std::string> group_ids) {
      const std::string id = fmt::format("eni-{}", part.interfaces.size());
      part.interfaces.put(id, {id, "", std::move(addresses), std::move(group_ids), false});
    };
    std::set<Members> named;
    for (const SecurityGroup* group : groups) {
      part.groups.put(group->id, *group);
      for (Members& members : references_of(*group)) named.insert(std::move(members));
    }
    // One member stands for all.
    for (const Members& members : named)
      if (const Ruleset::Set* all = rules_.sets.get(name_of(members)))
        stand_in({*all->elements.begin()}, {members.first});
    for (const auto& combination : combinations) {
      for (const std::string& id : combination) part.groups.put(id, policy_.groups.at(id));
      stand_in({}, combination);
    }
    const Ruleset made = groups.empty() && combinations.empty() ? Ruleset() : compile(part, before_.services);
    // Those of groups that lie elsewhere.
    for (const Members& members : named) {
      const std::string name = name_of(members);
      if (const Ruleset::Set* set = made.sets.get(name); set && !rules_.sets.contains(name))
        rules_.sets.put(name, *set);
    }
    for (const SecurityGroup* group : old_groups_)
      if (!policy_.groups.contains(group->id)) replace_group(group->id, {});
    for (const SecurityGroup* group : groups) replace_group(group->id, made);
    for (const PolicyInterface* interface : gone_) {
      const auto left = combination_of(before_.compiled.policy, interface->group_ids);
      if (table_.combinations.contains(key_of(left))) continue;
      for (const bool egress : {false, true}) rules_.chains.erase(combination_chain_name(left, egress));
    }
    for (const auto& combination : combinations)
      for (const bool egress : {false, true}) {
        const std::string name = combination_chain_name(combination, egress);
        rules_.chains.put(name, made.chains.at(name));
      }
  }

  void replace_group(const std::string& id, const Ruleset& by) {
    for (const bool egress : {false, true}) {
      const std::string chain = group_chain_name(id, egress), prefix = chain + "_";
      if (const Ruleset::Chain* made = by.chains.get(chain))
        rules_.chains.put(chain, *made);
      else
        rules_.chains.erase(chain);
      std::vector<std::string> left;
      for (auto set = rules_.sets.lower_bound(prefix); set != rules_.sets.end() && set->first.starts_with(prefix);
           ++set)
        if (!by.sets.contains(set->first)) left.push_back(set->first);
      for (const std::string& name : left) rules_.sets.erase(name);
      for (auto set = by.sets.lower_bound(prefix); set != by.sets.end() && set->first.starts_with(prefix); ++set)
        rules_.sets.put(set->first, set->second);
    }
  }

  const PolicyTable& before_;
  const Policy& policy_;
  Policy context_;  // all but groups and interfaces
  PolicyTable table_;
  Ruleset& rules_;                                             // the table's
  std::vector<const SecurityGroup*> old_groups_, new_groups_;  // those that differ, as they were and as they are
  std::vector<const PolicyInterface*> gone_, come_;            // alike
  std::set<Members> flipped_;  // of which there are some where there were none, or the other way round
};

}  // namespace

PolicyTable table_of(const Policy& policy, const std::set<std::string>& services, const Compiled* before) {
  PolicyTable table{.compiled = {policy, compile(policy, services, before)},
                    .services = services,
                    .named = {},
                    .combinations = {},
                    .references = {}};
  for (const auto& [id, group] : policy.groups) count_group(table, group, 1);
  for (const auto& [id, interface] : policy.interfaces) count_interface(table, policy, interface, 1);
  return table;
}

PolicyTable updated(const PolicyTable& before, const Policy& policy, const std::set<std::string>& services) {
  Policy rest = before.compiled.policy;
  rest.groups = policy.groups;
  rest.interfaces = policy.interfaces;
  if (rest == policy && services == before.services) {
    Update update(before, policy);
    if (update.run()) return update.take();
  }
  return table_of(policy, services, &before.compiled);
}

}  // namespace brume::net
