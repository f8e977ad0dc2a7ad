// Fields that are found in messages without a parse command ("Supported logs and discovered fields" of the guide).
//
// By the message's form, as nothing else says of what type a log is: a JSON object has its members; fourteen words of
// which the third begins with eni- are a VPC flow log record of version 2; lines that begin with START, END and REPORT
// RequestId: are Lambda's. Leaves Route 53's to `parse`. CloudWatch finds the first 200 fields of a JSON message; here
// all are found, since only those that a query names are looked for.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/logs/insights/json_fields.h"
#include "services/logs/insights/plan.h"

namespace brume::logs::insights {

class DiscoveredFields {
 public:
  // Of the stage's slots.
  explicit DiscoveredFields(const Stage& stage);

  // Sets the slots of kind discovered and lambda, all of them.
  void find(std::string_view message, std::span<Value> slots, Scratch& scratch);

 private:
  void flow_log(std::string_view message, std::span<Value> slots) const;
  void lambda_report(std::string_view message, std::span<Value> slots) const;

  struct Wanted {
    std::string name;
    std::size_t slot;
    int word;  // of a flow log record; -1: none
  };
  std::vector<Wanted> members_, lambda_;
  bool flow_ = false;
  std::unique_ptr<JsonFields> json_;
  std::vector<Value> found_;
};

}  // namespace brume::logs::insights
