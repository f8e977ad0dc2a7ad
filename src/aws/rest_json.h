// The rest-json protocol: members in the path, the query string, headers and the status, the rest (or one member) as
// body.
//
// Both directions, for both sides. Leaves the choice of the operation to its callers, by match_uri().
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/http.h"
#include "aws/model.h"

namespace brume::aws {

using UriLabels = std::map<std::string, std::string, std::less<>>;

// The values of the labels, decoded, if `target` fits `uri` ("/functions/{Name}/versions", "/{Key+}", "/x?type=a");
// nothing if it does not.
std::optional<UriLabels> match_uri(std::string_view uri, std::string_view target);

// `operation` must have been chosen by match_uri(). Errors: SerializationException.
Result<void> read_rest_request(const Operation& operation, const HttpRequest& request, void* input);
Result<HttpRequest> write_rest_request(const Operation& operation, const void* input);

HttpAnswer write_rest_answer(const Operation& operation, const void* output);
Result<void> read_rest_answer(const Operation& operation, const HttpAnswer& answer, void* output);

}  // namespace brume::aws
