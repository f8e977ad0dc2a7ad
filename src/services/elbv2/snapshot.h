// Records as the data plane is told them. Pure.
#pragma once

#include <string>
#include <vector>

#include "lb/config.h"
#include "services/elbv2/records.h"

namespace brume::elbv2 {

// Without its listeners.
lb::LoadBalancer describe(const LoadBalancerRecord& record, const std::string& network_namespace,
                          const std::string& access_log_folder);
// `rules` as DescribeRules gives them: ascending, the default one last.
lb::Listener describe(const ListenerRecord& record, const std::vector<Rule>& rules,
                      const std::vector<std::string>& clients);
lb::TargetGroup describe(const TargetGroupRecord& record);

}  // namespace brume::elbv2
