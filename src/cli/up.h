// `brume up FOLDER`: from a folder with a stack to a service that answers.
//
// The folder holds stack.yaml, parameters/<environment>.json (a list of "Key=Value", as `aws cloudformation deploy`
// takes it) and, if the image is made here, image/build: a program that prints the path of a root file system. The
// image's id goes to the SSM parameter that the template's parameter of type
// AWS::SSM::Parameter::Value<AWS::EC2::Image::Id> names. Uses nothing but the AWS API.
#pragma once

#include <string>

#include "daemon/settings.h"

namespace brume::cli {

// `environment` empty: the template's own defaults, and the folder's name as the stack's; otherwise
// "<folder>-<environment>".
int up(const daemon::Settings& settings, const std::string& root, const std::string& folder,
       const std::string& environment);

}  // namespace brume::cli
