// AWS's JSON bodies: json 1.0, json 1.1 and the bodies of rest-json. base/json does the work, with the wire's names and
// times in epoch seconds; here is what an error looks like.
#pragma once

#include <string>
#include <string_view>

#include "aws/http.h"
#include "base/json.h"

namespace brume::aws {

inline constexpr JsonStyle kWireJson{.wire_names = true, .default_time = TimeFormat::epoch_seconds};

// {"__type": …, "message": …}
std::string write_json_error(std::string_view type, std::string_view message);
// From the x-amzn-errortype header or the body's __type or code, whichever is there, without namespace and URI.
Error read_json_error(const HttpAnswer& answer);
// "Name" of "namespace#Name:http://…".
std::string bare_error_name(std::string_view type);
// "Code" of the header `x-amzn-query-error: Code;Sender`, or "".
std::string query_error_code(const Headers& headers);

}  // namespace brume::aws
