// The protocols behind one face: requests and answers of any of them to and from described values.
//
// Knows HTTP messages and models, nothing of signatures, sockets or services. What a protocol is like is in query.h,
// xml.h, json_rpc.h, rest_json.h and cbor.h.
#pragma once

#include <string_view>

#include "aws/http.h"
#include "aws/model.h"

namespace brume::aws {

// --- what a server does ---

// `input` is of the operation's input shape (null: it takes nothing). The body is already decompressed.
// Errors: the protocol's, for what cannot be read.
Result<void> read_request(Protocol protocol, const Operation& operation, const HttpRequest& request, void* input);
HttpAnswer write_answer(Protocol protocol, const ServiceModel& service, const Operation& operation, const void* output,
                        std::string_view request_id);
// `service` may be null: the request was not for any that we know.
HttpAnswer write_error(Protocol protocol, const ServiceModel* service, const Error& error, std::string_view request_id);

// --- what a client does ---

// The request without Host and signature. Errors: ParamValidation for what a request cannot carry.
Result<HttpRequest> write_request(Protocol protocol, const ServiceModel& service, const Operation& operation,
                                  const void* input);
// The output, or the error that the answer tells.
Result<void> read_answer(Protocol protocol, const Operation& operation, const HttpAnswer& answer, void* output);
// The protocol in which to speak to this service.
Protocol preferred_protocol(const ServiceModel& service);

// The parameters of a query or ec2 request: those of the URL and, if it is a form, those of the body.
Result<std::vector<std::pair<std::string, std::string>>> request_parameters(const HttpRequest& request);

}  // namespace brume::aws
