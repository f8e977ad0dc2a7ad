// What the load balancer answers itself, in the words of `awselb/2.0`.
#pragma once

#include <string>
#include <string_view>

#include "lb/config.h"

namespace brume::lb {

struct Reply {
  int status = 503;
  std::string content_type, body;  // as given for a fixed response
  std::string location;            // of a redirect
};

// The reason phrase of a status; some are AWS's own.
std::string_view reason_phrase(int status);

// An error or a redirect with the small page that goes with it.
Reply standard_reply(int status);
Reply redirect_reply(int status, std::string location);
Reply fixed_reply(const FixedResponse& fixed);

// `date` in IMF-fixdate. With `head_only` the body is left out and its length kept.
std::string write_reply(const Reply& reply, std::string_view date, bool keep_alive, bool head_only);

}  // namespace brume::lb
