// The attributes of load balancers, target groups and listeners: which there are, their defaults and what they may
// hold.
//
// Source: the ELBv2 API reference, LoadBalancerAttribute, TargetGroupAttribute and ListenerAttribute, for Application
// Load Balancers. `served` says whether the data plane acts on it; an attribute that it does not act on keeps its
// default, and setting it to another value is refused, so that nothing is promised that does not happen.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "services/elbv2/records.h"

namespace brume::elbv2 {

struct AttributeModel {
  std::string_view key;
  std::string_view initial;
  std::string_view values;  // "a|b" of an enumeration; empty: a number or any text
  long min = 0, max = -1;   // of a number; max < min: not a number
  bool served = true;
};

std::span<const AttributeModel> load_balancer_attributes();
std::span<const AttributeModel> target_group_attributes();
std::span<const AttributeModel> listener_attributes();

Attributes initial_attributes(std::span<const AttributeModel> models);

// Errors: ValidationError for a key that does not exist or a value that it cannot hold; UnsupportedOperation for a
// value that the data plane does not serve.
Result<void> check_attribute(std::span<const AttributeModel> models, const std::string& key, const std::string& value);
// All attributes of a load balancer, as they are to be: enabled access logs need a bucket, whose prefix is without
// "AWSLogs". Errors: InvalidConfigurationRequest.
Result<void> check_together(const Attributes& attributes);

}  // namespace brume::elbv2
