// What a call was answered, and what follows from it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace brume::agent {

struct Answer {
  int status = 0;  // HTTP; 0: there was none, and `message` says why
  std::string code, message;
  std::string body;
};

enum class Outcome {
  accepted,
  absent,   // the group or the stream is not there
  refused,  // and will be however often it is tried: too large, not valid
  denied,   // the role may not, or there is none
  expired,  // the keys are not good (any more)
  later,    // not reached, throttled, failed
};

// From a response of a JSON protocol: the code is in the body ("__type") or the header x-amzn-errortype.
Answer read_answer(int status, std::string_view error_type, std::string body);
Outcome outcome(const Answer& answer);
// "AccessDeniedException: User: … is not authorized to perform: logs:PutLogEvents …", in one line.
std::string describe(const Answer& answer);

// Of an answer to PutLogEvents: which events were not taken, or nothing.
std::string rejected_events(std::string_view body);

}  // namespace brume::agent
