// The XML of the query and ec2 protocols' answers and errors.
//
// Written: lists at the top level of an output even when they are empty, everything else only when it is present. Read
// (as a client): unknown elements are passed over, nesting is at most 32 deep.
#pragma once

#include <string>
#include <string_view>

#include "aws/model.h"
#include "aws/query.h"

namespace brume::aws {

std::string write_xml_answer(QueryDialect dialect, const ServiceModel& service, const Operation& operation,
                             const void* output, std::string_view request_id);
// `xml_namespace` may be null.
std::string write_xml_error(QueryDialect dialect, const char* xml_namespace, const Error& error,
                            std::string_view request_id);

// Errors: SerializationException for what is not the answer to this operation.
Result<void> read_xml_answer(QueryDialect dialect, const Operation& operation, void* output, std::string_view body);
// The error in an answer of this status; its code is "UnknownError" where the body has none.
Error read_xml_error(int status, std::string_view body);

}  // namespace brume::aws
