// The models made of the published protocol cases, by name (registry.cc, generated).
#pragma once

#include <string_view>

#include "aws/model.h"

const brume::aws::ServiceModel* protocol_model(std::string_view name);
