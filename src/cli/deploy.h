// `brume deploy STACK --image AMI`: a stack's instances come to run another image, a few at a time.
//
// The image goes where the template's image parameter has it, and the stack is updated. A group whose UpdatePolicy
// replaces instances does so then; of any other that launches from the image a refresh replaces them (group_refresh.h).
// What fails is taken back: the parameter, the stack and the instances. What was begun goes on by itself when this ends
// before it, and nothing is begun while something else is under way. Uses nothing but the AWS API.
#pragma once

#include <string>

#include "daemon/settings.h"

namespace brume::cli {

// `parameter`: the template's parameter that names the image; empty: the only one of an image's type. Exit status 0
// once every instance runs the image.
int deploy(const daemon::Settings& settings, const std::string& stack, const std::string& image,
           const std::string& parameter);

}  // namespace brume::cli
