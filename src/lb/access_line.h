// A line of an Application Load Balancer's access log: what is known of a request, as text.
//
// Fields, order and what stands for "not known" as in its user guide, "Access log entries". Pure but for a memory of
// the last second's text. Leaves out what plain HTTP has not (cipher, certificate, SNI), desync classes and transforms:
// their fields are "-". In quoted fields a quote and what is not printable ASCII is written as \xHH, so that no client
// can forge a field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "env/clock.h"

namespace brume::lb {

struct AccessRecord {
  static constexpr int kNoRule = -1;  // refused before rules were looked at

  std::string_view type = "http";       // or ws
  std::int64_t time = 0, creation = 0;  // of the answer and of the request, microseconds since the epoch
  std::string_view balancer;            // "app/<name>/<id>"
  std::string client;                   // address:port
  std::string connection;               // "TID_<32 hex>"
  std::string target;                   // address:port; empty: none was chosen
  // Microseconds; -1: it did not come so far.
  std::int64_t request_time = -1, target_time = -1, response_time = -1;
  int status = 0, target_status = 0;  // 0: none
  std::uint64_t received = 0, sent = 0;
  std::string request;  // "GET http://host:80/ HTTP/1.1"
  std::string user_agent;
  std::string target_group;
  std::string trace_root, trace;
  int rule = kNoRule;       // its priority, 0 for the default action
  std::string_view action;  // forward, redirect, fixed-response; empty: none
  std::string redirect_url;

  // When its parts were reached, for the times above.
  env::MonotonicTime began{}, dispatched{}, answered{};
};

class AccessLines {
 public:
  // With its line end.
  void append(const AccessRecord& record, std::string& out);

 private:
  void time(std::int64_t microseconds, std::string& out);

  std::int64_t second_ = -1;
  std::string text_;  // of second_, to the dot
};

}  // namespace brume::lb
