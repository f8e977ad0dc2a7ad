// Checks of actions and conditions that need nothing but themselves. Source: alb.md, "Rules".
#pragma once

#include "base/result.h"
#include "elbv2/shapes.h"

namespace brume::elbv2 {

// One terminal action, last; what Brume's data plane cannot do is refused by name. Fills in ForwardConfig and Order, as
// AWS echoes them. Leaves to the caller: whether the target groups exist.
Result<List<Action>> normalise_actions(const List<Action>& actions);

// At most one of each kind but header and query, 3 values each, 5 in all, lengths. Errors: ValidationError.
Result<List<RuleCondition>> normalise_conditions(const List<RuleCondition>& conditions);

}  // namespace brume::elbv2
