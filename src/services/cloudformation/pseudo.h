// What a stack hands its template besides the template itself.
#pragma once

#include <map>
#include <string>

namespace brume::cloudformation {

struct Definition;

// AWS::Region and the others, by name. (AWS::NoValue and AWS::NotificationARNs have no text.)
std::map<std::string, std::string> pseudo_parameters(const std::string& region, const std::string& stack_name,
                                                     const std::string& stack_id);
std::map<std::string, std::string> given_parameters(const Definition& definition);

}  // namespace brume::cloudformation
