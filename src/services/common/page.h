// Pages of an answer.
//
// A token is opaque to clients: it holds the key of the first item of the next page, so a page stays right when items
// come and go between calls.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/base64.h"
#include "base/result.h"

namespace brume::services {

template <typename T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next_token;
};

// `items` must be in ascending order of `key_of(item)`, a unique std::string. `limit` is the page's size (0: no limit).
// Errors: `bad_token_code` for a token that we did not make.
template <typename T, typename KeyOf>
Result<Page<T>> paginate(std::vector<T> items, std::size_t limit, const std::optional<std::string>& token, KeyOf key_of,
                         std::string_view bad_token_code = "InvalidNextToken") {
  auto first = items.begin();
  if (token && !token->empty()) {
    const auto key = base64_decode(*token);
    if (!key || !key->starts_with("k:")) return fail(bad_token_code, "The token '{}' is invalid", *token);
    const std::string wanted = key->substr(2);
    first = std::find_if(items.begin(), items.end(), [&](const T& item) { return !(key_of(item) < wanted); });
  }
  Page<T> page;
  const std::size_t left = std::size_t(items.end() - first);
  const std::size_t count = limit == 0 ? left : std::min(limit, left);
  if (count < left) page.next_token = base64_encode("k:" + key_of(*(first + std::ptrdiff_t(count))));
  page.items.assign(std::make_move_iterator(first), std::make_move_iterator(first + std::ptrdiff_t(count)));
  return page;
}

}  // namespace brume::services
