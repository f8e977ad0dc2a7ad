// The error of a result, or an empty one: for tests of refusals.
#pragma once

#include "base/result.h"

namespace brume::cloudwatch {

template <typename T>
Error error_of(const Result<T>& result) {
  return result ? Error{} : result.error();
}

}  // namespace brume::cloudwatch
