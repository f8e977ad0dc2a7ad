#include "lb/runtime.h"

namespace brume::lb {
namespace {

env::Duration seconds(double value) {
  return std::chrono::duration_cast<env::Duration>(std::chrono::duration<double>(value));
}

template <typename T, typename... Args>
std::shared_ptr<T> carry_over(const std::map<std::string, std::shared_ptr<T>>& from,
                              std::map<std::string, std::shared_ptr<T>>& to, const std::string& key, Args... args) {
  auto& state = to[key];
  if (!state) {
    const auto found = from.find(key);
    state = found != from.end() ? found->second : std::make_shared<T>(args...);
  }
  return state;
}

class Compiler {
 public:
  explicit Compiler(const std::vector<ConfiguredGroup>& groups) {
    for (std::size_t i = 0; i < groups.size(); ++i) index_[groups[i].id] = i;
  }

  ConfiguredAction action(const Action& action) const {
    ConfiguredAction result{.redirect = action.redirect, .fixed = action.fixed_response};
    for (const WeightedGroup& group : action.forward) {
      const auto found = index_.find(group.target_group);
      if (found == index_.end() || group.weight < 0) continue;
      result.groups.push_back(found->second);
      result.weights.push_back(std::uint32_t(group.weight));
    }
    return result;
  }

  ConfiguredListener listener(const LoadBalancer& balancer, const Listener& listener) const {
    ConfiguredListener result{.id = listener.id,
                              .endpoints = {{.key = fmt::format("{}:{}", balancer.listen_address, listener.port),
                                             .address = balancer.listen_address}},
                              .port = listener.port,
                              .clients = listener.clients};
    for (const Node& node : balancer.network_namespace.empty() ? std::vector<Node>() : balancer.nodes)
      result.endpoints.push_back({.key = fmt::format("{} {}:{}", balancer.id, node.address, listener.port),
                                  .address = node.address,
                                  .node = true});
    result.proto_fields = fmt::format("X-Forwarded-Proto: http\r\nX-Forwarded-Port: {}\r\n", listener.port);
    for (const Rule& rule : listener.rules) {
      CompiledRule compiled;
      for (const Condition& condition : rule.conditions) compiled.conditions.emplace_back(condition);
      compiled.action = result.actions.size();
      compiled.priority = rule.priority;
      result.rules.push_back(std::move(compiled));
      result.actions.push_back(action(rule.action));
    }
    result.actions.push_back(action(listener.default_action));
    return result;
  }

 private:
  std::map<std::string, std::size_t> index_;
};

}  // namespace

std::string ConfiguredBalancer::source_for(std::string_view zone) const {
  for (const Node& node : nodes) {
    if (node.zone == zone) return node.address;
  }
  return nodes.empty() ? std::string() : nodes.front().address;
}

std::shared_ptr<const Config> StateRegistry::compile(const Snapshot& snapshot) {
  auto config = std::make_shared<Config>();
  config->version = snapshot.version;
  decltype(targets_) targets;
  decltype(groups_) groups;
  decltype(balancers_) balancers;
  decltype(access_logs_) access_logs;

  for (const TargetGroup& group : snapshot.target_groups) {
    ConfiguredGroup configured{.id = group.id,
                               .state = carry_over(groups_, groups, group.id, workers_),
                               .least_outstanding = group.algorithm == "least_outstanding_requests"};
    for (const Target& target : group.targets) {
      // One that comes back elsewhere under the same id is another target.
      const auto key = fmt::format("{}\n{}\n{}\n{}", group.id, target.id, target.address, target.port);
      auto state = carry_over(targets_, targets, key);
      if (state->id.empty()) {
        state->group = group.id;
        state->group_state = configured.state;
        state->id = target.id;
        state->address = target.address;
        state->port = target.port;
        state->healthy = target.last_health == "healthy" || !group.health_check.enabled;
      }
      state->draining = target.draining;
      configured.targets.push_back({std::move(state), target.zone});
    }
    configured.state->changes.fetch_add(1);
    config->groups.push_back(std::move(configured));
  }

  const Compiler compiler(config->groups);
  for (const LoadBalancer& balancer : snapshot.load_balancers) {
    ConfiguredBalancer configured{.id = balancer.id,
                                  .state = carry_over(balancers_, balancers, balancer.id, workers_),
                                  .nodes = balancer.nodes,
                                  .idle_timeout = seconds(balancer.idle_timeout_seconds),
                                  .client_keep_alive = seconds(balancer.client_keep_alive_seconds),
                                  .preserve_host_header = balancer.preserve_host_header,
                                  .drop_invalid_header_fields = balancer.drop_invalid_header_fields,
                                  .xff_client_port = balancer.xff_client_port,
                                  .xff_mode = parse_xff_mode(balancer.xff_mode)};
    configured.network_namespace = std::make_shared<const NetworkNamespace>(balancer.network_namespace);
    if (balancer.access_log)
      configured.access_log = carry_over(access_logs_, access_logs, balancer.access_log->folder,
                                         balancer.access_log->folder, balancer.access_log->name);
    for (const Listener& listener : balancer.listeners)
      configured.listeners.push_back(compiler.listener(balancer, listener));
    config->balancers.push_back(std::move(configured));
  }

  for (const auto& [key, state] : targets_) {
    if (!targets.contains(key)) state->removed = true;
  }
  targets_ = std::move(targets);
  groups_ = std::move(groups);
  balancers_ = std::move(balancers);
  access_logs_ = std::move(access_logs);
  return config;
}

}  // namespace brume::lb
