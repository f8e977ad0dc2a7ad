// The model's constraints: required members, lengths, ranges, enumerations, patterns.
//
// Worded as AWS words them: the services of the query and JSON protocols tell all violations in one sentence, EC2 the
// first of them, some operations of CloudWatch each in a line of its own. Patterns are matched in linear time (RE2);
// one that RE2 cannot express is not checked. Leaves what only a service can know (does the VPC exist?) to the service.
#pragma once

#include "aws/model.h"

namespace brume::aws {

// Errors: ValidationError (query), ValidationException (json, rest-json, cbor), MissingParameter and
// InvalidParameterValue (ec2; CloudWatch).
Result<void> validate(Protocol protocol, const Shape& shape, const void* value);

// Is the shape's pattern one that validate() can check? For tests of the models.
bool checks_pattern(const Shape& shape);

}  // namespace brume::aws
