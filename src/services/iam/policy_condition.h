// Does a policy's condition hold for a request? (IAM user guide, "IAM JSON policy elements: Condition operators".)
//
// Pure and three-valued: of a key that Brume cannot tell, an operator that it does not know or a value that it cannot
// read the answer is `unknown`, which the evaluator takes as a Deny that applies and an Allow that does not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/iam/policy_document.h"

namespace brume::iam {

enum class Match : std::uint8_t { no, unknown, yes };

// What a request brings, by lower-case key: its values; or nothing, where it is certain that the request does not have
// the key. A key that is not in here is one that Brume cannot tell.
using RequestContext = std::map<std::string, std::optional<std::vector<std::string>>, std::less<>>;

Match condition_match(const PolicyCondition& condition, bool has_variables, const RequestContext& context);

// `*` and `?` as in policies. With variables, "${aws:username}" stands for the request's value, literally.
Match pattern_match(std::string_view pattern, std::string_view text, bool has_variables, const RequestContext& context);

std::string policy_lower(std::string_view text);

}  // namespace brume::iam
