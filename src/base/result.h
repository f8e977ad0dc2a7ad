// Errors as values.
//
// An Error carries what an AWS client sees: the code, a sentence a person can act on, and the HTTP status. Everything
// that can fail returns Result<T>; exceptions do not cross a folder's boundary.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace brume {

struct Error {
  std::string code;     // AWS's, e.g. "InvalidVpcID.NotFound"; our own failures use "InternalFailure"
  std::string message;  // one sentence
  int status = 400;     // HTTP

  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;

// A failure, formatted: `return fail("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist", id);`
template <typename... Args>
[[nodiscard]] std::unexpected<Error> fail(std::string_view code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{std::string(code), fmt::format(format, std::forward<Args>(args)...), 400});
}

// A failure of Brume or of the machine, not of the caller: code InternalFailure, status 500.
template <typename... Args>
[[nodiscard]] std::unexpected<Error> fail_internal(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{"InternalFailure", fmt::format(format, std::forward<Args>(args)...), 500});
}

// What an operation that is in AWS's model but not in Brume answers.
[[nodiscard]] inline std::unexpected<Error> not_implemented(std::string_view operation) {
  return std::unexpected(
      Error{"NotImplemented", fmt::format("The operation {} is not implemented by Brume.", operation), 501});
}

// Propagates the error of a Result-valued expression: `BRUME_TRY(vpc, find_vpc(id));` declares `vpc`, or returns.
#define BRUME_CONCAT_(a, b) a##b
#define BRUME_CONCAT(a, b) BRUME_CONCAT_(a, b)
#define BRUME_TRY_(temporary, name, ...)                                \
  auto temporary = (__VA_ARGS__);                                       \
  if (!temporary) return std::unexpected(std::move(temporary).error()); \
  auto&& name = *std::move(temporary)
#define BRUME_TRY(name, ...) BRUME_TRY_(BRUME_CONCAT(brume_try_, __LINE__), name, __VA_ARGS__)
// The same for Result<void>, or where the value is of no interest.
#define BRUME_CHECK_(temporary, ...) \
  if (auto temporary = (__VA_ARGS__); !temporary) return std::unexpected(std::move(temporary).error())
#define BRUME_CHECK(...) BRUME_CHECK_(BRUME_CONCAT(brume_check_, __LINE__), __VA_ARGS__)

}  // namespace brume
