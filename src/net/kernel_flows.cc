// The fabric's counters of flows: the table of flow_table.h in the VPC's namespace.
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "env/namespaces.h"
#include "net/flow_table.h"
#include "net/kernel_fabric.h"
#include "net/nft_sets.h"
#include "net/nftables.h"
#include "net/rtnetlink.h"
#include "net/spec_check.h"

namespace brume::net {
namespace {

constexpr int kLoopback = 1;  // lo is the first link of every namespace

Result<std::vector<std::int64_t>> present_periods() {
  BRUME_TRY(sets, list_sets(kFlowTable));
  return periods_of(sets);
}

// The namespace's own addresses that are no node's: metadata service, resolver, routers.
Result<std::set<std::string>> services() {
  BRUME_TRY(kernel, Rtnetlink::open());
  BRUME_TRY(present, kernel.addresses(kLoopback));
  std::set<std::string> found;
  for (const auto& [address, label] : present)
    if (label != "lo:node") found.insert(to_string(address));
  return found;
}

// Returns when every packet that was on its way through the hooks has left them: they run under RCU's read lock, and a
// global barrier waits for the readers.
void let_packets_pass() {
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // no such call with nohz_full
}

Result<FlowPeriod> read(const FlowWatch& watch, std::int64_t begin, std::int64_t end) {
  std::map<std::string, std::vector<CountedElement>> elements;
  for (const std::string& set : sets_of(begin)) {
    BRUME_TRY(found, list_elements(kFlowTable, set));
    if (!found.empty()) elements.emplace(set, std::move(found));
  }
  return read_period(watch, begin, end, elements);
}

}  // namespace

Result<std::int64_t> KernelFabric::watch_flows(const FlowWatch& watch, std::int64_t now, std::int64_t delivered) {
  BRUME_CHECK(check_id(watch.vpc_id, "vpc-"));
  const std::shared_lock lock(vpcs_);
  const std::lock_guard own(lock_for(flows_, watch.vpc_id));
  const std::string path = vpc_namespace(watch.vpc_id);
  if (!env::network_namespace_exists(path)) {
    if (watch.interfaces.empty()) return now;
    return fail_internal("The VPC {} has no namespace", watch.vpc_id);
  }
  std::int64_t current = now;
  BRUME_CHECK(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    BRUME_TRY(periods, present_periods());
    if (watch.interfaces.empty()) return periods.empty() ? Result<void>() : run_nftables(remove_flow_table());
    BRUME_TRY(own_addresses, services());
    if (!periods.empty()) {
      current = periods.back();
      if (run_nftables(change_watch(watch, own_addresses) + drop_periods(periods, delivered))) return {};
    }
    // None yet, or somebody has been at the table.
    current = std::max(now, delivered + 1);
    return run_nftables(make_flow_table(watch, own_addresses, current));
  }));
  return current;
}

Result<std::vector<FlowPeriod>> KernelFabric::collect_flows(const FlowWatch& watch, std::int64_t now) {
  BRUME_CHECK(check_id(watch.vpc_id, "vpc-"));
  const std::shared_lock lock(vpcs_);
  const std::lock_guard own(lock_for(flows_, watch.vpc_id));
  const std::string path = vpc_namespace(watch.vpc_id);
  std::vector<FlowPeriod> closed;
  if (!env::network_namespace_exists(path)) return closed;
  BRUME_CHECK(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    BRUME_TRY(periods, present_periods());
    if (periods.empty()) return {};
    const bool again = periods.size() > 1;
    if (!again) {
      const std::int64_t next = std::max(now, periods.back() + 1);
      BRUME_CHECK(run_nftables(begin_period(periods, next)));
      periods.push_back(next);
    }
    let_packets_pass();
    for (std::size_t i = 0; i + 1 < periods.size(); ++i) {
      BRUME_TRY(period, read(watch, periods[i], periods[i + 1]));
      period.again = again;
      closed.push_back(std::move(period));
    }
    return {};
  }));
  return closed;
}

}  // namespace brume::net
