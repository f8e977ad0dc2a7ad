// The metric store's tables and the form of their keys: numbers, as hexadecimal digits that sort as they do.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace brume::cloudwatch {

constexpr const char* kJournalTable = "cloudwatch.journal";  // a row a call: journal.h
constexpr const char* kNamesTable = "cloudwatch.names";      // a row a chunk: place, metric, dimensions of each series
constexpr const char* kChunksTable = "cloudwatch.chunks";    // a row a chunk: the row folded last, the newest samples

std::string row_key(std::uint64_t number);
// Error: InternalFailure, naming the row.
Result<std::uint64_t> row_number(const char* table, const std::string& key);
std::unexpected<Error> unreadable(const char* table, const std::string& key);

// Whole seconds since the epoch, as the store counts time.
std::uint32_t to_seconds(Timestamp time);
Timestamp to_timestamp(std::uint32_t time);

}  // namespace brume::cloudwatch
